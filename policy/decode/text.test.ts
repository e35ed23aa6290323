import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { shown } from './text.ts';

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
