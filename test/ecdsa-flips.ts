import fc from 'fast-check';
import { expect } from 'vitest';
import { equal } from '../common/bytes.ts';
import { Banned, Culprit, type EcdsaScheme, type KeygenResult, Suspects } from '../signer/scheme/scheme.ts';
import { flipped } from './ecdsa-lies.ts';
import { attempt, openAll, Parties, sharesOf, type Spoken } from './ecdsa-parties.ts';

const anyBit = fc.nat({ max: 2 ** 31 - 1 });

/** Whoever is blamed for what was changed of `liar`'s is that one, and the others blame nobody. */
function expectBlame(error: unknown, liar: number, victim: boolean): void {
  expect(error).toBeInstanceOf(Error);
  const named = error instanceof Culprit || error instanceof Suspects ? error.identifiers : [];
  const banned = error instanceof Banned ? [error.identifier] : [];
  for (const identifier of [...named, ...banned]) expect(victim ? identifier : undefined).toBe(liar);
}

/** Signatures of two members, of whose messages one arrives with one bit changed: no wrong signature, no wrong blame. */
export async function flipSignatures(scheme: EcdsaScheme, made: readonly KeygenResult[], runs: number): Promise<void> {
  const publicKey = made[0]?.key.groupKey ?? new Uint8Array();
  const change = fc.record({ step: fc.constantFrom(1, 2), liar: fc.constantFrom(1, 2), bit: anyBit });
  const property = fc.asyncProperty(change, async ({ step, liar, bit }) => {
    // Opened anew: a ban holds for as long as a share is open.
    const keys = await openAll(scheme, made.slice(0, 2));
    const { outcomes } = await attempt(keys, [1, 2], {
      tamper: (bytes, message) => (message.round === step && message.from === liar ? flipped(bytes, bit) : bytes),
    });
    for (const [member, outcome] of outcomes)
      if (outcome.status === 'rejected') expectBlame(outcome.reason, liar, member !== liar);
    // Nothing that arrives changed goes unnoticed by who gets it.
    expect(outcomes.get(3 - liar)?.status).toBe('rejected');
    for (const key of keys.values()) key.close();
  });
  await fc.assert(property, { numRuns: runs });
  // What was tried leaves nothing behind.
  const keys = await openAll(scheme, made.slice(0, 2));
  const { input, outcomes } = await attempt(keys, [1, 2]);
  const signature = await keys.get(1)?.aggregate(input, sharesOf(outcomes));
  expect(scheme.verify(publicKey, input.message, signature ?? new Uint8Array())).toBe(true);
}

/** Signature shares of two members, of which one arrives with one bit changed: no signature, and no wrong blame. */
export async function flipShares(scheme: EcdsaScheme, made: readonly KeygenResult[], runs: number): Promise<void> {
  const keys = await openAll(scheme, made.slice(0, 2));
  const { input, outcomes } = await attempt(keys, [1, 2]);
  const shares = sharesOf(outcomes);
  const property = fc.asyncProperty(anyBit, async (bit) => {
    const changed = new Map(shares).set(2, flipped(shares.get(2) ?? new Uint8Array(), bit));
    const outcome = await keys
      .get(1)
      ?.aggregate(input, changed)
      .catch((error: unknown) => error);
    expectBlame(outcome, 2, true);
  });
  await fc.assert(property, { numRuns: runs });
}

/** Keys of two parties, of whose messages one arrives with one bit changed: one key of both, or none, and no wrong blame. */
export async function flipKeygens(scheme: EcdsaScheme, runs: number): Promise<void> {
  const change = fc.record({
    round: fc.constantFrom(1, 2, 3),
    liar: fc.constantFrom(1, 2),
    part: fc.constantFrom('broadcast' as const, 'secret' as const),
    bit: anyBit,
  });
  const property = fc.asyncProperty(change, async ({ round, liar, part, bit }) => {
    let differ = false;
    const tamper = (spoken: Spoken, message: { round: number; from: number }): Spoken => {
      if (message.round !== round || message.from !== liar) return spoken;
      differ ||= part === 'broadcast' && spoken.broadcast.length > 0;
      return { ...spoken, [part]: flipped(spoken[part], bit) };
    };
    const parties = new Parties(scheme, 2, 2, { tamper });
    const results = await parties.all().catch((error: unknown) => error as Error);
    parties.close();
    if (results instanceof Error) return expectBlame(results, liar, true);
    // The parties compare broadcasts.
    if (differ) return;
    const [one, two] = results as [KeygenResult, KeygenResult];
    expect(equal(one.key.groupKey, two.key.groupKey)).toBe(true);
    expect(one.chainCode).toEqual(two.chainCode);
    const keys = await openAll(scheme, results);
    const { input, outcomes } = await attempt(keys, [1, 2]);
    const signature = await keys.get(1)?.aggregate(input, sharesOf(outcomes));
    expect(scheme.verify(one.key.groupKey, input.message, signature ?? new Uint8Array())).toBe(true);
  });
  await fc.assert(property, { numRuns: runs });
}
