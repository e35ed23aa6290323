import { quote } from '../common/bytes.ts';

/** How policies write amounts: no sign, no exponent, no leading zeros. */
export const amountPattern = /^(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$/;
const maxLength = 60;

/** Base units of `text`, an amount in whole units of an asset with `decimals`; throws where it is finer than one base unit. */
export function parseAmount(text: string, decimals: number): bigint {
  if (text.length > maxLength || !amountPattern.test(text))
    throw new Error(`want a decimal number like "0.02", without sign or exponent, got ${quote(text)}`);
  const [whole = '', fraction = ''] = text.split('.');
  if (fraction.length > decimals)
    throw new Error(
      decimals === 0
        ? `want whole units, which cannot be divided, got ${quote(text)}`
        : `want at most ${decimals} decimal${decimals === 1 ? '' : 's'}, got ${fraction.length} in ${quote(text)}`,
    );
  return BigInt(whole + fraction.padEnd(decimals, '0'));
}

/** `amount` base units in whole units, as {@link parseAmount} reads them: exact, without trailing zeros. */
export function formatAmount(amount: bigint, decimals: number): string {
  const digits = amount.toString().padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '');
  return fraction === '' ? whole : `${whole}.${fraction}`;
}
