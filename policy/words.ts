import { formatAmount } from './amount.ts';
import { canonicalId, chainOf, nativeAsset } from './caip.ts';
import type { Effect } from './effect.ts';
import type { Policy } from './policy.ts';

/** An amount in units of its asset with the policy's name for it, like `1.5 SOL`. */
export function amountInWords(amount: bigint, asset: string, policy: Policy): string {
  const id = canonicalId(asset);
  const listed = policy.assets.get(id);
  if (listed !== undefined) return `${formatAmount(amount, listed.decimals)} ${listed.name}`;
  const native = nativeAsset(chainOf(id).chain);
  if (native?.id === id) return `${formatAmount(amount, native.decimals)} ${native.symbol}`;
  return `${amount} base units of ${id}`;
}

/** The first of `names`, and how many more there are: a policy may have hundreds, and a request as many effects. */
export function namesInWords(names: Iterable<string>): string {
  const all = [...names];
  const shown = all.slice(0, 4).join(', ');
  return all.length > 4 ? `${shown} and ${all.length - 4} more` : shown;
}

/** A destination by its names in the address book, else by its address. */
export function destinationInWords(effect: Effect, policy: Policy): string {
  const address = effect.destination === undefined ? 'an unknown destination' : chainOf(effect.destination).rest;
  const { names } = policy.addressBook.find(effect);
  return names.size === 0 ? address : `${namesInWords(names)} (${address})`;
}

/** What an effect does, in the policy's names where it has some, and of which child it is. */
export function effectInWords(effect: Effect, policy: Policy): string {
  const { kind, path, asset, amount, destination, text } = effect;
  const of = path === undefined ? '' : `${path}: `;
  if (asset === undefined || amount === undefined || destination === undefined) return `${of}${text}`;
  const whom = destinationInWords(effect, policy);
  if (kind === 'Transfer') return `${of}${amountInWords(amount, asset, policy)} to ${whom}`;
  if (kind === 'Approve') return `${of}lets ${whom} move up to ${amountInWords(amount, asset, policy)}`;
  return `${of}${text}`;
}

/** A length of time, like 24h, 90m or 2h 5m 10s. */
export function durationInWords(seconds: number): string {
  const parts = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'm'],
    [seconds % 60, 's'],
  ] as const;
  const words = parts.filter(([n]) => n > 0).map(([n, unit]) => `${n}${unit}`);
  return words.length === 0 ? '0s' : words.join(' ');
}
