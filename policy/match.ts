import { canonicalId, chainOf } from './caip.ts';
import { anyRule } from './decision.ts';
import type { LedgerView } from './decision.ts';
import type { Effect } from './effect.ts';
import { pathOf } from './path-patterns.ts';
import type { Asset, Policy, Rule, SumBounds } from './policy.ts';
import { movesAssets, sumOf } from './request-sums.ts';
import type { Sums } from './request-sums.ts';

/** True, false, or undefined where it cannot be told. */
export type Maybe = boolean | undefined;

/** In the order in which they are tried: the later one fails, the nearer the rule was. */
export const conditions = ['kinds', 'chains', 'paths', 'assets', 'destinations', 'amount'] as const;
export type Condition = (typeof conditions)[number];

/** Whether a rule is about an effect; where it is not or cannot be told, the condition because of which. */
export type Matched = { readonly holds: true } | Mismatch;
export type Mismatch = { readonly holds: false | undefined; readonly condition: Condition };

/** What conditions on sums look at. */
export type Context = { readonly policy: Policy; readonly sums: Sums; readonly ledger: LedgerView };

/** May do anything with anything: its destination is only what it calls, advances or hands control to. */
const isOpaque = (effect: Effect): boolean =>
  effect.asset === undefined && effect.kind !== 'Message' && !movesAssets(effect);

/**
 * PROTOCOL.md 5: a false condition makes a rule not match, whatever else is unknown; otherwise an unknown one makes the
 * match unknown. An Allow that names no kinds is about transfers alone: everything else is not understood or hands
 * control away, and must be named. A Deny that names no kinds is about everything: what is not understood may move any
 * asset to any destination. Where kinds are named, they are judged by what they name.
 */
export function matches({ verdict, match }: Rule, effect: Effect, { policy, sums, ledger }: Context): Matched {
  const { kinds, chains, paths, assets, destinations, amount } = match;
  if (kinds === undefined ? verdict === 'Allow' && effect.kind !== 'Transfer' : !kinds.has(effect.kind))
    return { holds: false, condition: 'kinds' };
  const about: About = kinds === undefined ? 'everything' : 'kinds';
  let unknown: Condition | undefined;
  for (const [condition, holds] of [
    ['chains', () => chains === undefined || onChain(effect, chains)],
    ['paths', () => paths === undefined || paths.has(pathOf(effect))],
    ['assets', () => assets === undefined || ofAsset(effect, assets, about)],
    ['destinations', () => destinations === undefined || goesTo(effect, destinations, policy, about)],
    ['amount', () => amount === undefined || within(amount, sums, ledger, about === 'kinds' || !isOpaque(effect))],
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
  const { kinds, chains, paths, assets, destinations } = match;
  if (kinds === undefined ? !movesAssets(effect) : !kinds.has(effect.kind)) return false;
  return (
    (chains === undefined || onChain(effect, chains) !== false) &&
    (paths === undefined || paths.has(pathOf(effect))) &&
    (assets === undefined || ofAsset(effect, assets, 'kinds') !== false) &&
    (destinations === undefined || goesTo(effect, destinations, policy, 'kinds') !== false)
  );
}

/** Whether a rule names the kinds that it is about, or is a Deny about whatever an effect may do. */
type About = 'kinds' | 'everything';

const onChain = ({ chain }: Effect, chains: ReadonlySet<string>): Maybe =>
  chain === '' ? undefined : chains.has(chain);

/** Where the chain's decimals of an asset are not the policy's, what the policy's amounts mean is unknown. */
function ofAsset({ kind, chain, asset, decimals }: Effect, assets: ReadonlyMap<string, Asset>, about: About): Maybe {
  if (asset === undefined) {
    const none = kind === 'Message' && about === 'everything';
    const elsewhere = chain !== '' && [...assets.keys()].every((id) => chainOf(id).chain !== chain);
    return none || elsewhere ? false : undefined;
  }
  const listed = assets.get(canonicalId(asset));
  if (listed === undefined) return false;
  return decimals === undefined || decimals === listed.decimals ? true : undefined;
}

function goesTo(effect: Effect, names: ReadonlySet<string>, { addressBook }: Policy, about: About): Maybe {
  const { kind, chain, destination } = effect;
  if (destination === undefined && kind === 'Message' && about === 'everything') return false;
  const listed = addressBook.leadsTo(effect, names);
  if (listed !== false || about === 'kinds' || !isOpaque(effect)) return listed;
  return addressBook.reaches(chain, names) ? undefined : false;
}

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

function within(bounds: SumBounds, sums: Sums, ledger: LedgerView, known: boolean): Maybe {
  const { over, atMost } = bounds;
  const { sum, exact: summed } = sumFor(bounds, sums, ledger);
  const exact = summed && known;
  if (atMost !== undefined && sum > atMost) return false;
  if (over !== undefined && sum <= over && exact) return false;
  return exact || (atMost === undefined && over !== undefined && sum > over) ? true : undefined;
}
