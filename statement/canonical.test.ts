import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromUtf8, utf8 } from '../common/bytes.ts';
import { canonicalize, parseCanonical } from './canonical.ts';
import type { Json } from './canonical.ts';

type Vector = { readonly name: string; readonly origin: string; readonly input: string; readonly canonical: string };
const file = new URL('../test/vectors/rfc8785/strings.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8')) as readonly Vector[];

test.each(vectors)('the published vector "$name" holds ($origin)', ({ input, canonical }) => {
  const value = JSON.parse(input) as Json;
  expect(fromUtf8(canonicalize(value))).toBe(canonical);
  expect(parseCanonical(utf8(canonical))).toEqual(value);
  expect(() => parseCanonical(utf8(input))).toThrow('not canonical JSON (RFC 8785)');
});

const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom('"', '\\', '/', '\n', '\u0000', '\u007f', '\u2028', '\ud7ff', '\ufffe', '😂'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
});
const jsonOf = (name: fc.Arbitrary<string>): fc.Arbitrary<Json> =>
  fc.letrec<{ json: Json }>((tie) => ({
    json: fc.oneof(
      { maxDepth: 5 },
      text,
      fc.array(tie('json'), { maxLength: 5 }),
      fc.dictionary(name, tie('json'), { maxKeys: 5, noNullPrototype: true }),
    ),
  })).json;
// Names that are written as they are, like all that are signed: of others see below.
const json = jsonOf(text.filter((name) => JSON.stringify(name) === `"${name}"`));

// JSON.parse of V8 13.6 (Node 24) takes a name that is written with escapes for one that it has read at that place before:
// '{"":"x","\\\\":"y"}' and then '{"":"x","\\n":"y"}'.
test('a member whose name is written with escapes is read as it is, or refused', () => {
  fc.assert(
    fc.property(jsonOf(text), (value) => {
      const bytes = canonicalize(value);
      let read: Json;
      try {
        read = parseCanonical(bytes);
      } catch (error) {
        expect(String(error)).toContain('not canonical JSON (RFC 8785)');
        return;
      }
      expect(canonicalize(read)).toEqual(bytes);
      expect(read).toEqual(value);
    }),
  );
});

test('what was canonicalized parses to the same value, and no other order of members has other bytes', () => {
  fc.assert(
    fc.property(json, (value) => {
      const bytes = canonicalize(value);
      expect(parseCanonical(bytes)).toEqual(value);
      expect(canonicalize(reversed(value))).toEqual(bytes);
      expect(JSON.parse(fromUtf8(bytes))).toEqual(value);
    }),
  );
});

const reversed = (value: Json): Json => {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map((item: Json) => reversed(item));
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, member]) => [name, reversed(member)]),
  );
};

test('text that JSON takes but that is not canonical is refused, whatever was added', () => {
  fc.assert(
    fc.property(json, fc.nat(), fc.constantFrom(' ', '\n', '\t', '\r'), (value, at, space) => {
      const canonical = fromUtf8(canonicalize(value));
      const tokens = canonical.match(/"(?:[^"\\]|\\.)*"|[[\]{}:,]/gsu) ?? [];
      const gap = at % (tokens.length + 1);
      const spaced = [...tokens.slice(0, gap), space, ...tokens.slice(gap)].join('');
      expect(JSON.parse(spaced)).toEqual(value);
      expect(() => parseCanonical(utf8(spaced))).toThrow('not canonical JSON');
    }),
  );
});

describe('bytes are refused', () => {
  test.each([
    ['a repeated member', '{"a":"1","a":"1"}'],
    ['a member repeated under another escape', '{"a":"1","\\u0061":"1"}'],
    ['members out of order', '{"b":"","a":""}'],
    ['an escape that is longer than needed', '["\\u000a"]'],
    ['an escaped solidus', '["\\/"]'],
    ['an escape in upper case', '["\\u000F"]'],
    ['an escaped letter', '["\\u0061"]'],
    ['a trailing newline', '{}\n'],
  ])('for %s', (_, input) => {
    expect(() => parseCanonical(utf8(input))).toThrow('not canonical JSON (RFC 8785)');
  });

  test.each([
    ['a number', '{"a":1}', 'want only strings, lists and objects, got a number'],
    ['a boolean', '[true]', 'got a boolean'],
    ['null', 'null', 'got null'],
    ['a byte order mark', '\ufeff{}', 'not JSON in UTF-8'],
    ['a comment', '{}//', 'not JSON in UTF-8'],
    ['nothing at all', '', 'not JSON in UTF-8'],
    ['an escaped lone surrogate', '["\\ud800"]', 'text holds a lone surrogate'],
    ['a lone surrogate as member', '{"\\udc00":""}', 'text holds a lone surrogate'],
    ['33 levels', '['.repeat(33) + ']'.repeat(33), 'nested deeper than 32 levels'],
    ['a million levels', '['.repeat(500_000) + ']'.repeat(500_000), 'nested deeper than 32 levels'],
  ])('for %s', (_, input, message) => {
    expect(() => parseCanonical(utf8(input))).toThrow(message);
  });

  test('for malformed UTF-8, also an encoded surrogate and an overlong form', () => {
    for (const bad of [[0xff], [0xed, 0xa0, 0x80], [0xc0, 0xaf]])
      expect(() => parseCanonical(Uint8Array.of(0x22, ...bad, 0x22))).toThrow('not JSON in UTF-8');
  });

  test('beyond the size that was asked for', () => {
    expect(parseCanonical(utf8('["12"]'), 6)).toEqual(['12']);
    expect(() => parseCanonical(utf8('["12"]'), 5)).toThrow('want at most 5 bytes of JSON, got 6');
  });

  test('whatever they are, with a clear error and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          expect(canonicalize(parseCanonical(bytes))).toEqual(bytes);
        } catch (error) {
          expect((error as Error).message).toMatch(/^(?:not |want |nested |text )/);
        }
      }),
    );
  });
});

test('a member called __proto__ is a member like any other', () => {
  const bytes = utf8('{"__proto__":{"a":"1"}}');
  expect(canonicalize(parseCanonical(bytes))).toEqual(bytes);
});

test('values that hold a lone surrogate have no canonical form', () => {
  expect(() => canonicalize('\ud83d')).toThrow('text holds a lone surrogate, which has no UTF-8 form');
  expect(() => canonicalize({ '\udc00': '' })).toThrow('lone surrogate');
});
