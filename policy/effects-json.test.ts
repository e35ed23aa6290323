import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { effectKinds } from './effect.ts';
import type { Effect } from './effect.ts';
import { decodeEffects, effectsDigest, encodeEffects } from './effects-json.ts';
import { payroll, sol, transfer } from './testing/policies.ts';

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 });
const effects: fc.Arbitrary<readonly Effect[]> = fc.array(
  fc
    .record(
      {
        kind: fc.constantFrom(...effectKinds),
        chain: fc.oneof(fc.constant(''), text),
        asset: text,
        amount: fc.bigInt({ min: 0n, max: 2n ** 256n }),
        destination: text,
        owner: text,
        derived: fc.record({ mint: text, program: text }, { noNullPrototype: true }),
        change: fc.constant(true as const),
        path: fc.constantFrom('m/0', 'm/0/5', 'm/2147483647/1'),
        text: fc.string(),
      },
      { requiredKeys: ['kind', 'chain', 'text'], noNullPrototype: true },
    )
    .map((effect) => ({ ...effect, text: effect.text.toWellFormed(), chain: effect.chain.toWellFormed() })),
  { maxLength: 64 },
);

describe('effects as JSON', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(effects, (list) => {
        const text = encodeEffects(list);
        expect(decodeEffects(text)).toEqual(list);
        expect(encodeEffects(decodeEffects(text))).toBe(text);
      }),
      { numRuns: 50 },
    );
  });

  it('are written in one way', () => {
    expect(encodeEffects([transfer(5n)])).toBe(
      `[{"amount":"5","asset":"${sol}","chain":"${sol.split('/')[0]}","change":"","decimals":"","derived":"","destination":"${payroll}","kind":"Transfer","owner":"","text":"sends 5"}]`,
    );
  });

  it('say of which child they are, and without one nothing, as versions that knew none', () => {
    const child = encodeEffects([transfer(5n, { path: 'm/0/5' })]);
    expect(child.replace('"path":"m/0/5",', '')).toBe(encodeEffects([transfer(5n)]));
    expect(decodeEffects(child)).toEqual([transfer(5n, { path: 'm/0/5' })]);
  });

  it.each(['', 'm', "m/0'", 'm/00', '0/5', 'm/2147483648'])('are refused with path %j', (path) => {
    expect(() => decodeEffects(encodeEffects([transfer(5n, { path })]))).toThrow('effects[0].path');
  });

  for (const [what, change] of [
    ['white space', (t: string) => `${t} `],
    ['an unknown kind', (t: string) => t.replace('Transfer', 'Gift')],
    ['an unknown member', (t: string) => t.replace('"change":""', '"change":"","colour":"red"')],
    ['a missing member', (t: string) => t.replace('"change":"",', '')],
    ['a number', (t: string) => t.replace('"amount":"5"', '"amount":5')],
    ['a negative amount', (t: string) => t.replace('"amount":"5"', '"amount":"-5"')],
    ['an amount with leading zeros', (t: string) => t.replace('"amount":"5"', '"amount":"05"')],
    ['an absurdly long amount', (t: string) => t.replace('"amount":"5"', `"amount":"${'9'.repeat(79)}"`)],
    ['a word for change', (t: string) => t.replace('"change":""', '"change":"yes"')],
    ['half a derivation', (t: string) => t.replace('"derived":""', '"derived":{"mint":"m"}')],
    ['an object', () => '{}'],
    ['nothing', () => ''],
  ] as const)
    it(`are refused with ${what}`, () => {
      expect(() => decodeEffects(change(encodeEffects([transfer(5n)])))).toThrow();
    });

  it('are refused beyond 64', () => {
    expect(() => decodeEffects(encodeEffects(Array.from({ length: 65 }, () => transfer(1n))))).toThrow('64');
  });
});

describe('the digest of effects', () => {
  it('is the one of versions that knew no paths, where there is none', () => {
    expect(effectsDigest([transfer(5n)])).toBe(
      'sha256:3bb2a953958773b7312c8503c5c57f0faff162953f1164236934f566a73bda92',
    );
  });

  it('is of what happens, not of its wording', () => {
    expect(effectsDigest([transfer(5n, { text: 'pays 5' })])).toBe(effectsDigest([transfer(5n)]));
  });

  it('differs with everything else, order included', () => {
    const digests = [
      [transfer(5n)],
      [transfer(6n)],
      [transfer(5n, { change: true })],
      [transfer(5n, { kind: 'Approve' })],
      [transfer(5n, { owner: payroll })],
      [transfer(5n, { derived: { mint: 'a', program: 'b' } })],
      [transfer(5n, { path: 'm/0/5' })],
      [transfer(5n, { path: 'm/0/6' })],
      [transfer(5n), transfer(6n)],
      [transfer(6n), transfer(5n)],
      [],
    ].map(effectsDigest);
    expect(new Set(digests).size).toBe(digests.length);
  });
});
