import { isDeepStrictEqual } from 'node:util';
import type { SignerSpec, SigningPolicySpec, SigningRequestSpec, WalletSpec } from './generated.ts';

/** The verdict of one CEL rule of crds/, in TypeScript. `cel` is the rule's text, so that neither changes alone. */
export type Rule = { readonly cel: string; readonly holds: (self: never, oldSelf: never) => boolean };

const rule = <Self>(cel: string, verdict: (self: Self, oldSelf: Self) => boolean): Rule => ({ cel, holds: verdict });

type Holders = WalletSpec['holders'];
type Keys = WalletSpec['keys'];
type Access = NonNullable<WalletSpec['access']>[number];
type Seal = NonNullable<SignerSpec['seal']>;
type Approver = NonNullable<SigningPolicySpec['approvers']>[number];
type PolicyRule = SigningPolicySpec['rules'][number];
type Match = PolicyRule['match'];
type Sum = NonNullable<Match['amount']>;
type Limit = NonNullable<PolicyRule['limits']>[number];
type Payload = SigningRequestSpec['payload'];

const has = (field: unknown): boolean => field !== undefined;
const withRole = (holders: Holders, role: string): number => holders.filter((h) => h.role === role).length;
const signing = (holders: Holders): number => holders.length - withRole(holders, 'Backup');

const seconds = (duration: string): number =>
  Number(duration.slice(0, -1)) * ({ s: 1, m: 60, h: 3600 }[duration.at(-1) ?? ''] ?? Number.NaN);

export const rules: readonly Rule[] = [
  // Any kind: immutable fields
  rule<unknown>('self == oldSelf', (self, oldSelf) => isDeepStrictEqual(self, oldSelf)),

  // Wallet
  rule<WalletSpec>(
    "self.threshold <= self.holders.filter(h, h.role != 'Backup').size()",
    (self) => self.threshold <= signing(self.holders),
  ),
  rule<WalletSpec>(
    "self.holders.filter(h, h.role == 'Infrastructure').size() < 2 || 2 * self.threshold > self.holders.filter(h, h.role != 'Backup').size()",
    (self) => withRole(self.holders, 'Infrastructure') < 2 || 2 * self.threshold > signing(self.holders),
  ),
  rule<Holders>("self.exists(h, h.role == 'Infrastructure')", (self) => withRole(self, 'Infrastructure') > 0),
  // In CEL lists by name are equal in any order, and the order numbers the holders.
  rule<Holders>('self == oldSelf && self.map(h, h.name) == oldSelf.map(h, h.name)', (self, oldSelf) =>
    isDeepStrictEqual(self, oldSelf),
  ),
  rule<Keys>('oldSelf.all(o, self.exists(k, k.name == o.name))', (self, oldSelf) =>
    oldSelf.every((o) => self.some((k) => k.name === o.name)),
  ),
  rule<Keys>('oldSelf.all(o, self.all(k, k.name != o.name || k.scheme == o.scheme))', (self, oldSelf) =>
    oldSelf.every((o) => self.every((k) => k.name !== o.name || k.scheme === o.scheme)),
  ),
  rule<Access>(
    'has(self.podSelector) || has(self.namespaceSelector)',
    (self) => has(self.podSelector) || has(self.namespaceSelector),
  ),

  rule<NonNullable<WalletSpec['deletionPolicy']>>("self != 'Destroy'", (self) => self !== 'Destroy'),

  // Wallet and Signer
  rule<Seal>('has(self.keySecretRef) != has(self.pkcs11)', (self) => has(self.keySecretRef) !== has(self.pkcs11)),

  // Signer
  rule<SignerSpec>('has(self.seal) != has(self.external)', (self) => has(self.seal) !== has(self.external)),
  rule<SignerSpec>(
    '!has(self.external) || !(has(self.image) || has(self.storage) || has(self.resources) || has(self.nodeSelector) || ' +
      'has(self.tolerations) || has(self.affinity) || has(self.priorityClassName) || has(self.placement))',
    ({ external, image, storage, resources, nodeSelector, tolerations, affinity, priorityClassName, placement }) =>
      !has(external) ||
      ![image, storage, resources, nodeSelector, tolerations, affinity, priorityClassName, placement].some(has),
  ),

  // SigningPolicy
  rule<Approver>('has(self.key) != has(self.keys)', (self) => has(self.key) !== has(self.keys)),
  rule<PolicyRule>(
    "self.verdict == 'Allow' || !(has(self.approvals) || has(self.timeLock) || has(self.limits))",
    (self) => self.verdict === 'Allow' || !(has(self.approvals) || has(self.timeLock) || has(self.limits)),
  ),
  rule<PolicyRule>(
    '!has(self.limits) || !self.limits.exists(l, has(l.amount)) || (has(self.match.assets) && self.match.assets.size() == 1)',
    (self) => !self.limits?.some((l) => has(l.amount)) || self.match.assets?.length === 1,
  ),
  rule<Match>(
    '!has(self.amount) || (has(self.assets) && self.assets.size() == 1)',
    (self) => !has(self.amount) || self.assets?.length === 1,
  ),
  rule<Sum>('has(self.over) || has(self.atMost)', (self) => has(self.over) || has(self.atMost)),
  rule<Limit>('has(self.amount) != has(self.count)', (self) => has(self.amount) !== has(self.count)),
  rule<string>("duration(self) <= duration('744h')", (self) => seconds(self) <= seconds('744h')),

  // SigningRequest
  rule<Payload>(
    "has(self.chain) || self.format == 'Message' || self.format == 'Digest'",
    (self) => has(self.chain) || self.format === 'Message' || self.format === 'Digest',
  ),
];

const byText = new Map(rules.map((each) => [each.cel, each]));

/** Whether a rule that compares with the past; it says nothing where there is none. */
export const isTransition = (cel: string): boolean => /\boldSelf\b/.test(cel);

/** The verdict of the CEL rule `cel`; throws where there is none in TypeScript. `oldSelf` is undefined on creation. */
export function holds(cel: string, self: unknown, oldSelf: unknown): boolean {
  const known = byText.get(cel);
  if (!known) throw new Error(`no verdict for the rule ${JSON.stringify(cel)}`);
  if (!isTransition(cel)) return known.holds(self as never, oldSelf as never);
  if (oldSelf === undefined) return true;
  try {
    return known.holds(self as never, oldSelf as never);
  } catch {
    return false; // As in CEL, a rule that cannot be evaluated does not hold: the past may be malformed, `self` is not.
  }
}
