import { canonicalId, chainOf } from './caip.ts';
import { associatedTokenAccount } from './decode/associated-token-account.ts';
import { token2022Program, tokenProgram } from './decode/solana-token.ts';
import type { Effect } from './effect.ts';

export type AddressBookEntry = { readonly name: string; readonly addresses: readonly string[] };

/** Whose a destination is; not `complete` where it may be someone else's in the book as well. */
export type Found = { readonly names: ReadonlySet<string>; readonly complete: boolean };

/** Where an effect goes. */
type Going = Pick<Effect, 'chain' | 'destination' | 'owner' | 'derived'>;
type Names = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * The most token accounts that a policy may have to tell apart on a chain: its accounts there times its tokens. Each
 * takes some hundred microseconds to derive, once for each token program.
 */
export const maxTokenAccounts = 512;
/** So many are derived in some ten milliseconds. */
const derivedAtOnce = 32;
const tokenPrograms: readonly string[] = [tokenProgram, token2022Program];
const none: ReadonlySet<string> = new Set();

/** Which names a destination goes by. An account may stand under several. */
export class AddressBook {
  readonly #names: Names;
  /** By name. */
  readonly #chains: Names;
  /** Assets with a mint, by id: only their token accounts are ever derived, or an initiator could have us derive for ever. */
  readonly #tokens: ReadonlySet<string>;
  /** By asset and program: names of the owners' token accounts. */
  readonly #derived = new Map<string, Names>();
  /** Rules ask of one effect again and again. */
  readonly #found = new WeakMap<Going, Found>();

  /** `assets` are the ids of the policy's. */
  constructor(entries: readonly AddressBookEntry[], assets: Iterable<string> = []) {
    const listed = entries.flatMap(({ name, addresses }) => addresses.map((a) => [canonicalId(a), name] as const));
    this.#names = collect(listed);
    this.#chains = collect(listed.map(([account, name]) => [name, chainOf(account).chain]));
    this.#tokens = new Set([...assets].filter(isToken));
  }

  /** Names of the effect's destination itself, and of the owner whose token account it is. */
  find(effect: Going): Found {
    const known = this.#found.get(effect);
    if (known !== undefined) return known;
    const found = this.#look(effect);
    this.#found.set(effect, found);
    return found;
  }

  /** Whether the effect goes to one of `names`; undefined where that cannot be told. */
  leadsTo(effect: Going, names: ReadonlySet<string>): boolean | undefined {
    const found = this.find(effect);
    for (const name of found.names) if (names.has(name)) return true;
    return found.complete || !this.reaches(effect.chain, names) ? false : undefined;
  }

  /** Whether one of `names` has an account on `chain`, which may be any where it is "". */
  reaches(chain: string, names: ReadonlySet<string>): boolean {
    if (chain === '') return true;
    for (const name of names) if (this.#chains.get(name)?.has(chain)) return true;
    return false;
  }

  /** Derives ahead, a slice a step, what {@link find} derives when first asked of a token. */
  *prepare(): Generator<void> {
    for (const asset of this.#tokens) for (const program of tokenPrograms) yield* this.#derive(asset, program);
  }

  #look({ chain, destination, owner, derived }: Going): Found {
    if (destination === undefined) return { names: none, complete: false };
    const account = canonicalId(destination);
    const listed = this.#names.get(account) ?? none;
    if (owner !== undefined) return { names: union(listed, this.#names.get(canonicalId(owner))), complete: true };
    if (derived === undefined) return { names: listed, complete: true };
    const asset = `${chain}/token:${derived.mint}`;
    if (!this.#tokens.has(asset) || !tokenPrograms.includes(derived.program)) return { names: listed, complete: false };
    return { names: union(listed, this.#tokenAccounts(asset, derived.program).get(account)), complete: true };
  }

  #tokenAccounts(asset: string, program: string): Names {
    for (const _ of this.#derive(asset, program));
    return this.#derived.get(`${asset} ${program}`) ?? new Map();
  }

  *#derive(asset: string, program: string): Generator<void> {
    const key = `${asset} ${program}`;
    if (this.#derived.has(key)) return;
    const { chain, rest } = chainOf(asset);
    const mint = rest.slice('token:'.length);
    const pairs: [string, string][] = [];
    let derived = 0;
    for (const [account, names] of this.#names) {
      const owner = chainOf(account);
      if (owner.chain !== chain) continue;
      if (derived > 0 && derived % derivedAtOnce === 0) yield;
      derived += 1;
      const token = `${chain}:${associatedTokenAccount(owner.rest, mint, program)}`;
      for (const name of names) pairs.push([token, name]);
    }
    this.#derived.set(key, collect(pairs));
    yield;
  }
}

/** Whether an asset lies in token accounts of Solana. */
export const isToken = (asset: string): boolean => asset.startsWith('solana:') && asset.includes('/token:');

const union = (a: ReadonlySet<string>, b: ReadonlySet<string> = none): ReadonlySet<string> =>
  b.size === 0 ? a : new Set([...a, ...b]);

function collect(pairs: readonly (readonly [string, string])[]): Names {
  const all = new Map<string, Set<string>>();
  for (const [key, value] of pairs) {
    const values = all.get(key) ?? new Set();
    all.set(key, values.add(value));
  }
  return all;
}
