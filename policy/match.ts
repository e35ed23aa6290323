import { canonicalId } from './caip.ts';
import { anyRule } from './decision.ts';
import type { LedgerView } from './decision.ts';
import type { Effect } from './effect.ts';
import type { Asset, Policy, Rule, SumBounds } from './policy.ts';
import { movesAssets, sumOf } from './request-sums.ts';
import type { Sums } from './request-sums.ts';

/** True, false, or undefined where it cannot be told. */
export type Maybe = boolean | undefined;

/** In the order in which they are tried: the later one fails, the nearer the rule was. */
export const conditions = ['kinds', 'chains', 'assets', 'destinations', 'amount'] as const;
export type Condition = (typeof conditions)[number];

/** Whether a rule is about an effect; where it is not or cannot be told, the condition because of which. */
export type Matched = { readonly holds: true } | Mismatch;
export type Mismatch = { readonly holds: false | undefined; readonly condition: Condition };

/** What conditions on sums look at. */
export type Context = { readonly policy: Policy; readonly sums: Sums; readonly ledger: LedgerView };

/**
 * PROTOCOL.md 5: a false condition makes a rule not match, whatever else is unknown; otherwise an unknown one makes the
 * match unknown. An Allow that names no kinds is about transfers alone: everything else is not understood or hands
 * control away, and must be named. A Deny that names no kinds is about everything, of what is not understood by what
 * is known of it: denying more is the safe side.
 */
export function matches({ verdict, match }: Rule, effect: Effect, { policy, sums, ledger }: Context): Matched {
  const { kinds, chains, assets, destinations, amount } = match;
  if (kinds === undefined ? verdict === 'Allow' && effect.kind !== 'Transfer' : !kinds.has(effect.kind))
    return { holds: false, condition: 'kinds' };
  const absent = kinds === undefined && !movesAssets(effect) ? false : undefined;
  let unknown: Condition | undefined;
  for (const [condition, holds] of [
    ['chains', () => chains === undefined || onChain(effect, chains, absent)],
    ['assets', () => assets === undefined || ofAsset(effect, assets, absent)],
    ['destinations', () => destinations === undefined || goesTo(effect, destinations, policy, absent)],
    ['amount', () => amount === undefined || within(amount, sums, ledger)],
  ] as const) {
    const value = holds();
    if (value === false) return { holds: false, condition };
    if (value === undefined) unknown ??= condition;
  }
  return unknown === undefined ? { holds: true } : { holds: undefined, condition: unknown };
}

/**
 * Whether an effect counts against a rule's limits: it matches without `amount`, or may. Token approvals count like
 * transfers, also where a rule that names no kinds would not allow them.
 */
export function counts({ match }: Rule, effect: Effect, policy: Policy): boolean {
  if (effect.change) return false;
  const { kinds, chains, assets, destinations } = match;
  if (kinds === undefined ? !movesAssets(effect) : !kinds.has(effect.kind)) return false;
  return (
    (chains === undefined || onChain(effect, chains, undefined) !== false) &&
    (assets === undefined || ofAsset(effect, assets, undefined) !== false) &&
    (destinations === undefined || goesTo(effect, destinations, policy, undefined) !== false)
  );
}

const onChain = ({ chain }: Effect, chains: ReadonlySet<string>, absent: Maybe): Maybe =>
  chain === '' ? absent : chains.has(chain);

/** Where the chain's decimals of an asset are not the policy's, what the policy's amounts mean is unknown. */
function ofAsset({ asset, decimals }: Effect, assets: ReadonlyMap<string, Asset>, absent: Maybe): Maybe {
  if (asset === undefined) return absent;
  const listed = assets.get(canonicalId(asset));
  if (listed === undefined) return false;
  return decimals === undefined || decimals === listed.decimals ? true : undefined;
}

const goesTo = (effect: Effect, names: ReadonlySet<string>, { addressBook }: Policy, absent: Maybe): Maybe =>
  effect.destination === undefined ? absent : addressBook.leadsTo(effect, names);

/** What `bounds` look at: the request's sum with what the window before it holds. `exact` is false where there may be more. */
export function sumFor(
  { asset, seconds }: SumBounds,
  sums: Sums,
  ledger: LedgerView,
): { readonly sum: bigint; readonly exact: boolean } {
  const asked = sumOf(sums, asset.id);
  if (seconds === undefined) return asked;
  const before = sumOf(ledger.spent(anyRule, seconds).amounts, asset.id);
  return { sum: before.sum + asked.sum, exact: before.exact && asked.exact };
}

function within(bounds: SumBounds, sums: Sums, ledger: LedgerView): Maybe {
  const { over, atMost } = bounds;
  const { sum, exact } = sumFor(bounds, sums, ledger);
  if (atMost !== undefined && sum > atMost) return false;
  if (over !== undefined && sum <= over && exact) return false;
  return exact || (atMost === undefined && over !== undefined && sum > over) ? true : undefined;
}
