import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAmount, parseAmount } from './amount.ts';

describe('parseAmount', () => {
  for (const [text, decimals, base] of [
    ['0', 0, 0n],
    ['1', 9, 1_000_000_000n],
    ['0.02', 18, 20_000_000_000_000_000n],
    ['1.50', 2, 150n],
    ['0.000000001', 9, 1n],
    ['123456789012345678901234567890.5', 1, 1_234_567_890_123_456_789_012_345_678_905n],
  ] as const)
    it(`reads ${text} with ${decimals} decimals as ${base}`, () => {
      expect(parseAmount(text, decimals)).toBe(base);
    });

  for (const [text, decimals, message] of [
    ['0.0000000001', 9, 'at most 9 decimals, got 10'],
    ['1.0', 0, 'whole units'],
    ['1.50', 1, 'at most 1 decimal,'],
    ['-1', 9, 'without sign or exponent'],
    ['+1', 9, 'without sign or exponent'],
    ['1e3', 9, 'without sign or exponent'],
    ['01', 9, 'without sign or exponent'],
    ['.5', 9, 'without sign or exponent'],
    ['1.', 9, 'without sign or exponent'],
    ['1_000', 9, 'without sign or exponent'],
    ['', 9, 'without sign or exponent'],
    [' 1', 9, 'without sign or exponent'],
    ['1\n', 9, 'without sign or exponent'],
    ['١', 9, 'without sign or exponent'],
    ['9'.repeat(61), 0, 'without sign or exponent'],
  ] as const)
    it(`refuses ${JSON.stringify(text.slice(0, 20))} with ${decimals} decimals`, () => {
      expect(() => parseAmount(text, decimals)).toThrow(message);
    });
});

it('loses nothing between base units and units', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 40n }), fc.integer({ min: 0, max: 18 }), (amount, decimals) => {
      expect(parseAmount(formatAmount(amount, decimals), decimals)).toBe(amount);
    }),
  );
});

it('writes amounts without trailing zeros', () => {
  const written = [
    formatAmount(1_500_000_000n, 9),
    formatAmount(1n, 9),
    formatAmount(0n, 9),
    formatAmount(7n, 0),
    formatAmount(5n, 255),
  ];
  expect(written).toEqual(['1.5', '0.000000001', '0', '7', `0.${'0'.repeat(254)}5`]);
});
