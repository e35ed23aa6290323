import { quote } from '../common/bytes.ts';
import { messageOf } from '../common/errors.ts';
import { isSecurityKey, parseSshPublicKey } from '../statement/ssh-key.ts';
import { isToken, maxTokenAccounts } from './address-book.ts';
import { parseAmount } from './amount.ts';
import { addressProblem, assetProblem, chainProblem } from './caip-checks.ts';
import { canonicalId, chainOf, nativeAsset } from './caip.ts';
import type { PolicyDocument } from './document-shape.ts';
import { didYouMean, maxProblems } from './policy-invalid.ts';
import type { PolicyProblem } from './policy-invalid.ts';

type DocumentRule = PolicyDocument['rules'][number];
type Approvals = NonNullable<DocumentRule['approvals']>;

/**
 * What is wrong with a document of the right shape: names that resolve to nothing, keys and assets that stand twice,
 * identifiers and amounts that cannot be, and what this version does not have. None of it is ever ignored.
 */
export function checkDocument(document: PolicyDocument): readonly PolicyProblem[] {
  const checks = new Checks(document);
  checks.assets();
  checks.addressBook();
  checks.keys();
  checks.groups();
  checks.fees();
  document.rules.forEach((rule, i) => checks.rule(rule, `rules[${i}]`));
  checks.declarations();
  return checks.problems;
}

class Checks {
  readonly problems: PolicyProblem[] = [];
  readonly #document: PolicyDocument;
  readonly #decimals: ReadonlyMap<string, number>;

  constructor(document: PolicyDocument) {
    this.#document = document;
    this.#decimals = new Map((document.assets ?? []).map(({ name, decimals }) => [name, Number(decimals)]));
  }

  assets(): void {
    const first = new Map<string, number>();
    this.#document.assets?.forEach(({ id, decimals }, i) => {
      const at = `assets[${i}]`;
      this.#note(`${at}.id`, assetProblem(id));
      const known = nativeAsset(chainOf(id).chain);
      if (known?.id === canonicalId(id) && known.decimals !== Number(decimals))
        this.#note(`${at}.decimals`, `${known.symbol} has ${known.decimals}, got ${decimals}`);
      const before = first.get(canonicalId(id));
      if (before === undefined) first.set(canonicalId(id), i);
      else this.#note(`${at}.id`, `is the same asset as assets[${before}]: each may have one name`);
    });
  }

  addressBook(): void {
    this.#document.addressBook?.forEach(({ addresses }, i) => {
      const first = new Map<string, number>();
      addresses.forEach((address, j) => {
        const at = `addressBook[${i}].addresses[${j}]`;
        this.#note(at, addressProblem(address));
        const before = first.get(canonicalId(address));
        if (before === undefined) first.set(canonicalId(address), j);
        else this.#note(at, `is the same account as addressBook[${i}].addresses[${before}]: each may be listed once`);
      });
    });
    this.#tokenAccounts();
    if (this.#document.lookupTables !== undefined) this.#lacks('lookupTables', 'address lookup tables');
  }

  /** What signers would have to derive to tell whose token accounts payments go to. */
  #tokenAccounts(): void {
    const tokens = (this.#document.assets ?? []).map(({ id }) => canonicalId(id)).filter(isToken);
    const accounts = new Set((this.#document.addressBook ?? []).flatMap((entry) => entry.addresses.map(canonicalId)));
    for (const chain of new Set(tokens.map((id) => chainOf(id).chain))) {
      const owners = [...accounts].filter((account) => chainOf(account).chain === chain).length;
      const minted = tokens.filter((id) => chainOf(id).chain === chain).length;
      if (owners * minted > maxTokenAccounts)
        this.#note(
          'addressBook',
          `${owners} accounts on ${chain} times ${minted} tokens in assets are ${owners * minted} token accounts: ` +
            `want at most ${maxTokenAccounts}, so list fewer of either or divide them among wallets`,
        );
    }
  }

  /** A key stands for one name only, or one person could count twice: PROTOCOL.md 1. */
  keys(): void {
    const first = new Map<string, string>();
    const key = (text: string, at: string, userVerification?: string): void => {
      try {
        const { blob, algorithm } = parseSshPublicKey(text);
        const id = Buffer.from(blob).toString('base64');
        const before = first.get(id);
        if (before === undefined) first.set(id, at);
        else this.#note(at, `is the same key as ${before}: a key may stand for one name only`);
        if (userVerification === 'Required' && !isSecurityKey(algorithm))
          this.#note(at, `userVerification is Required, which a key of kind ${algorithm} cannot show: want an sk- key`);
      } catch (error) {
        this.#note(at, messageOf(error));
      }
    };
    this.#document.initiators.forEach((initiator, i) => key(initiator.key, `initiators[${i}].key`));
    this.#document.approvers?.forEach((approver, i) => {
      const at = `approvers[${i}]`;
      if ((approver.key === undefined) === (approver.keys === undefined))
        this.#note(at, 'set exactly one of key and keys');
      if (approver.key !== undefined) key(approver.key, `${at}.key`, approver.userVerification);
      approver.keys?.forEach((each, j) => key(each, `${at}.keys[${j}]`, approver.userVerification));
    });
  }

  groups(): void {
    const approvers = (this.#document.approvers ?? []).map(({ name }) => name);
    this.#document.groups?.forEach(({ members }, i) =>
      this.#resolve(members, approvers, `groups[${i}].members`, 'approvers'),
    );
  }

  fees(): void {
    const chains = (this.#document.fees ?? []).map(({ chain }) => chain);
    this.#document.fees?.forEach(({ chain, atMost }, i) => {
      const at = `fees[${i}]`;
      this.#note(`${at}.chain`, chainProblem(chain));
      const other = chains.slice(0, i).find((each) => sameNamespace(each, chain) && !namesItsChain(chain));
      if (other !== undefined)
        this.#note(
          `${at}.chain`,
          `a transaction does not say whether it is for ${chain} or ${other}, so a signature for one is good on both: keep one of them`,
        );
      const native = nativeAsset(chain);
      if (native === undefined)
        this.#note(`${at}.chain`, `this version does not know what fees of ${chain} are paid in`, true);
      else this.#amount(atMost, native.decimals, native.symbol, `${at}.atMost`);
    });
  }

  rule({ name, verdict, match, approvals, timeLock, limits = [] }: DocumentRule, at: string): void {
    if (verdict === 'Deny' && (approvals ?? timeLock ?? (limits.length > 0 || undefined)) !== undefined)
      this.#note(at, 'a Deny rule has no approvals, timeLock or limits');
    match.chains?.forEach((chain, i) => this.#note(`${at}.match.chains[${i}]`, chainProblem(chain)));
    match.paths?.forEach((path, i) => {
      if (path.split('/').some((index) => Number(index) >= 2 ** 31))
        this.#note(
          `${at}.match.paths[${i}]`,
          `want numbers below 2147483648, since no other child is, got ${quote(path)}`,
        );
    });
    this.#resolve(match.assets, [...this.#decimals.keys()], `${at}.match.assets`, 'assets');
    const book = (this.#document.addressBook ?? []).map((entry) => entry.name);
    this.#resolve(match.destinations, book, `${at}.match.destinations`, 'addressBook');
    const asset = match.assets?.length === 1 ? match.assets[0] : undefined;
    this.#sum(match, asset, `${at}.match`);
    limits.forEach(({ amount, count }, i) => {
      const path = `${at}.limits[${i}]`;
      if ((amount === undefined) === (count === undefined)) this.#note(path, 'set exactly one of amount and count');
      if (amount !== undefined && asset !== undefined) this.#amountOf(amount, asset, `${path}.amount`);
    });
    if (asset === undefined && limits.some(({ amount }) => amount !== undefined))
      this.#note(`${at}.limits`, 'a rule with a limit by amount must name exactly one asset in match.assets');
    if (match.usd !== undefined) this.#lacks(`${at}.match.usd`, 'valuation in USD', name);
    if (approvals !== undefined) {
      this.#approvals(approvals, `${at}.approvals`);
      this.#lacks(`${at}.approvals`, 'approvals', name);
    }
    if (timeLock !== undefined) this.#lacks(`${at}.timeLock`, 'time locks', name);
  }

  /** What only narrows or describes is pinned as it is: until changes and recovery exist, there simply are none. */
  declarations(): void {
    const { change, recovery } = this.#document;
    if (change !== undefined) this.#approvals(change.approvals, 'change.approvals');
    if (recovery === undefined) return;
    this.#approvals(recovery.approvals, 'recovery.approvals');
    const book = (this.#document.addressBook ?? []).map((entry) => entry.name);
    this.#resolve(recovery.destinations, book, 'recovery.destinations', 'addressBook');
  }

  #sum({ amount, usd }: DocumentRule['match'], asset: string | undefined, at: string): void {
    for (const [name, bounds] of [
      ['amount', amount],
      ['usd', usd],
    ] as const)
      if (bounds !== undefined && bounds.over === undefined && bounds.atMost === undefined)
        this.#note(`${at}.${name}`, 'set over, atMost or both');
    if (amount === undefined) return;
    if (asset === undefined)
      return this.#note(`${at}.amount`, 'a match with amount must name exactly one asset in assets');
    const { over, atMost } = amount;
    const bounds = [
      ...(over === undefined ? [] : [this.#amountOf(over, asset, `${at}.amount.over`)]),
      ...(atMost === undefined ? [] : [this.#amountOf(atMost, asset, `${at}.amount.atMost`)]),
    ];
    const [least, most] = bounds;
    if (least !== undefined && most !== undefined && least >= most)
      this.#note(`${at}.amount`, `nothing is over ${over} and at most ${atMost}`);
  }

  #approvals(approvals: Approvals, at: string): void {
    const groups = this.#document.groups ?? [];
    approvals.forEach(({ group, atLeast }, i) => {
      const found = groups.find(({ name }) => name === group);
      if (found === undefined)
        this.#missing(
          group,
          groups.map(({ name }) => name),
          `${at}[${i}].group`,
          'groups',
        );
      else if (Number(atLeast) > found.members.length)
        this.#note(`${at}[${i}].atLeast`, `group ${group} has ${found.members.length} members, got ${atLeast}`);
    });
  }

  #resolve(names: readonly string[] | undefined, known: readonly string[], at: string, where: string): void {
    names?.forEach((name, i) => {
      if (!known.includes(name)) this.#missing(name, known, `${at}[${i}]`, where);
    });
  }

  #missing(name: string, known: readonly string[], at: string, where: string): void {
    this.#note(at, `no entry ${quote(name)} in ${where}${didYouMean(name, known, this.problems)}`);
  }

  /** Undefined where the asset resolves to nothing, which is noted elsewhere, or the amount is too fine for it. */
  #amountOf(amount: string, asset: string, at: string): bigint | undefined {
    const decimals = this.#decimals.get(asset);
    return decimals === undefined ? undefined : this.#amount(amount, decimals, asset, at);
  }

  #amount(amount: string, decimals: number, asset: string, at: string): bigint | undefined {
    try {
      return parseAmount(amount, decimals);
    } catch (error) {
      this.#note(at, `${asset}: ${messageOf(error)}`);
      return undefined;
    }
  }

  #lacks(at: string, feature: string, rule?: string): void {
    const what = rule === undefined ? '' : `rule ${quote(rule)}: `;
    this.#note(at, `${what}${feature} are not in this version; remove it, nothing is enforced only in part`, true);
  }

  #note(path: string, message: string | undefined, unsupported = false): void {
    if (message !== undefined && this.problems.length < maxProblems)
      this.problems.push({ path, message, ...(unsupported && { unsupported: true as const }) });
  }
}

const namespaceOf = (chain: string): string => chain.slice(0, chain.indexOf(':'));
const sameNamespace = (a: string, b: string): boolean => a !== b && namespaceOf(a) === namespaceOf(b);
/** EVM transactions carry their chain id. Those of Solana and Bitcoin name no network: which one is meant is the initiator's claim. */
const namesItsChain = (chain: string): boolean => namespaceOf(chain) === 'eip155';
