import { canonicalId } from './caip.ts';
import type { Effect } from './effect.ts';

/** What a request moves of each asset in all, so that splitting a payment gains nothing. Proven change is left out. */
export type RequestSums = {
  /** Base units known to move; `exact` is false where there may be more. */
  of(asset: string): { readonly sum: bigint; readonly exact: boolean };
};

export function sumEffects(effects: readonly Effect[]): RequestSums {
  const amounts = new Map<string, bigint>();
  const inexact = new Set<string>();
  let anyAsset = false;
  for (const effect of effects) {
    if (effect.change) continue;
    const asset = effect.asset === undefined ? undefined : canonicalId(effect.asset);
    if (asset === undefined) anyAsset ||= effect.kind === 'Transfer' || effect.kind === 'Approve';
    else if (effect.amount === undefined) inexact.add(asset);
    else amounts.set(asset, (amounts.get(asset) ?? 0n) + effect.amount);
  }
  return { of: (asset) => ({ sum: amounts.get(asset) ?? 0n, exact: !anyAsset && !inexact.has(asset) }) };
}
