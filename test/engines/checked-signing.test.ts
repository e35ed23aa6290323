import { beforeAll, describe, expect, it } from 'vitest';
import { Culprit, type KeygenResult, type SigningKey } from '../../signer/scheme/scheme.ts';
import type { Keys } from '../ecdsa-parties.ts';
import { Dice } from '../simulation/dice.ts';
import { checkedSigning } from './checked-signing.ts';
import { type Engine, enginesOf } from './engines.ts';
import { drawLie, type Lie } from './lies.ts';

const [engine] = enginesOf(undefined) as [Engine];
let made: readonly KeygenResult[];
let keys: Keys;
beforeAll(async () => {
  made = await engine.make(2, 3);
  keys = await engine.open(made, [1, 2]);
});

/** A share of 2 that arrives changed. */
const lie = ((): Lie => {
  for (let seed = 0; ; seed++) {
    const drawn = drawLie('EdDSA', [1, 2], new Dice(seed));
    if (drawn.shares !== undefined && drawn.liar === 2) return drawn;
  }
})();

/** Whose `change`d key is 1's. */
const withFirst = (change: Partial<SigningKey>): Keys => {
  const own = keys.get(1) as SigningKey;
  const first: SigningKey = {
    commit: (count) => own.commit(count),
    sign: (nonce, input) => own.sign(nonce, input),
    discard: (nonces) => own.discard(nonces),
    aggregate: (input, shares) => own.aggregate(input, shares),
    close() {},
    ...change,
  };
  return new Map(keys).set(1, first);
};
const fails = (error: Error): Partial<SigningKey> => ({
  async aggregate() {
    throw error;
  },
});
const judged = async (with_: Keys, told?: Lie, by: Engine = engine) =>
  (await checkedSigning(by, made, with_, [1, 2], told && { lie: told })).violations;

describe('a signing', () => {
  it('that is honest, or of which a liar is blamed, violates nothing', async () => {
    expect(await checkedSigning(engine, made, keys, [1, 2])).toEqual({ signed: true, errors: [], violations: [] });
    const lied = await checkedSigning(engine, made, keys, [1, 2], { lie });
    expect(lied).toMatchObject({ signed: false, violations: [] });
    expect(lied.errors).toEqual([[1, expect.any(Culprit)]]);
  });

  it('violates where the engine blames another, nobody, or panics', async () => {
    expect(await judged(withFirst(fails(new Culprit([3], 'x'))), lie)).toEqual([expect.stringContaining('blames 3')]);
    expect(await judged(withFirst(fails(new Error('x'))), lie)).toEqual(['1 does not say who lied: x']);
    const panic = withFirst(fails(new Error('the library panicked')));
    expect(await judged(panic, lie)).toContainEqual(expect.stringContaining('panicked'));
  });

  it('violates where a signature comes of a lie, or is none', async () => {
    const gullible = withFirst({ aggregate: async () => new Uint8Array(64) });
    expect(await judged(gullible, lie)).toEqual(['1 made a signature and did not notice', '1 made a wrong signature']);
    expect(await judged(keys, undefined, { ...engine, verify: () => false })).toEqual(['1 made a wrong signature']);
  });
});

it.each(['EdDSA', 'ECDSA'] as const)('lies about %s are the same with the same dice, and many', (name) => {
  const whats = Array.from({ length: 50 }, (_, seed) => drawLie(name, [1, 2, 3], new Dice(seed)).what);
  expect(Array.from({ length: 50 }, (_, seed) => drawLie(name, [1, 2, 3], new Dice(seed)).what)).toEqual(whats);
  expect(new Set(whats).size).toBe(50);
});
