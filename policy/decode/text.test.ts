import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decimal, shown } from './text.ts';

describe('a decimal', () => {
  test.each([
    [0n, 9, '0'],
    [1n, 9, '0.000000001'],
    [1_500_000_000n, 9, '1.5'],
    [100n, 0, '100'],
    [100n, 2, '1'],
    [5n, 255, `0.${'0'.repeat(254)}5`],
  ])('of %s base units with %i decimals is %s', (amount, decimals, text) => {
    expect(decimal(amount, decimals)).toBe(text);
  });

  test('is exact', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 64n), fc.nat(30), (amount, decimals) => {
        const [whole = '', fraction = ''] = decimal(amount, decimals).split('.');
        expect(BigInt(whole + fraction.padEnd(decimals, '0'))).toBe(amount);
      }),
    );
  });
});

describe('text shown to people', () => {
  const invisible = /[\p{C}\p{Zl}\p{Zp}]/u;

  test('is one line of visible characters, whatever it holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(shown(text)).not.toMatch(invisible);
      }),
    );
    expect(shown('a\u202eb\u2028c\u{e0001}"\\')).toBe(String.raw`"a\u{202e}b\u{2028}c\u{e0001}\"\\"`);
  });

  test('is cut where it is long, never inside a character', () => {
    expect(shown('abcdef', 3)).toBe('"abc..."');
    expect(shown('ab\u{1f600}', 3)).toBe('"ab\ufffd..."');
  });
});
