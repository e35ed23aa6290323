import fc from 'fast-check';
import { expect, test } from 'vitest';
import { oneLine } from './one-line.ts';

test('what a terminal would obey becomes a space', () => {
  expect(oneLine('a\u001B[31mred\r\nb\u202Ec\u2028d')).toBe('a [31mred b c d');
  expect(oneLine('plain, ünïcode ✓')).toBe('plain, ünïcode ✓');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(oneLine(text)).not.toMatch(/[\p{Cc}\p{Cf}\n]/u);
    }),
  );
});
