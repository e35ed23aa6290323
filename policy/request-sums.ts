import { canonicalId } from './caip.ts';
import type { Effect } from './effect.ts';

/**
 * What effects move in base units by asset; under {@link unknownOf} how many of them move an amount that is not known,
 * so that it is added up and taken off like the rest.
 */
export type Sums = ReadonlyMap<string, bigint>;
/** {@link Sums} that are only looked up. */
export type SumLookup = Pick<Sums, 'get'>;

/** In place of an asset's id in {@link Sums}: how much of it is not known. "" where the asset is not known either. */
export const unknownOf = (asset: string): string => `unknown ${asset}`;

export const isUnknown = (key: string): boolean => key.startsWith(unknownOf(''));

export const movesAssets = ({ kind }: Effect): boolean => kind === 'Transfer' || kind === 'Approve';

/** What sums over all that moved look at. A Call without an asset may move anything: rules allow it as a call. */
export const isSummed = (effect: Effect): boolean =>
  !effect.change && (effect.asset !== undefined || movesAssets(effect));

/** Splitting a payment gains nothing: its parts are summed. */
export function sumEffects(effects: readonly Effect[]): Sums {
  const sums = new Map<string, bigint>();
  const add = (key: string, n: bigint): void => void sums.set(key, (sums.get(key) ?? 0n) + n);
  for (const { asset, amount } of effects) {
    const id = asset === undefined ? '' : canonicalId(asset);
    // Nothing is nothing of whatever asset: to revoke an approval names none.
    if (amount === 0n) continue;
    if (id === '' || amount === undefined) add(unknownOf(id), 1n);
    else add(id, amount);
  }
  return sums;
}

/** Base units of `asset` known to move; `exact` is false where there may be more. */
export const sumOf = (sums: SumLookup, asset: string): { readonly sum: bigint; readonly exact: boolean } => ({
  sum: sums.get(asset) ?? 0n,
  exact: (sums.get(unknownOf(asset)) ?? 0n) === 0n && (sums.get(unknownOf('')) ?? 0n) === 0n,
});
