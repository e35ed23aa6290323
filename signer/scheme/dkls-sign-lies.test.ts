import { beforeAll, describe, expect, it } from 'vitest';
import { concat } from '../../common/bytes.ts';
import { bit, blame, type Change, failure, order, put } from '../../test/ecdsa-lies.ts';
import {
  attempt,
  type Attempt,
  type Keys,
  openAll,
  Parties,
  random,
  sharesOf,
  signed,
} from '../../test/ecdsa-parties.ts';
import { flipped } from '../../test/flipped.ts';
import { dklsScheme } from './dkls-scheme.ts';
import type { KeygenResult } from './scheme.ts';
import { dklsAddon } from './testing/dkls-addon.ts';

const scheme = dklsScheme(dklsAddon);

/** Keys of 2 of 2, by identifier - 1. */
let made: readonly KeygenResult[];
beforeAll(async () => {
  made = await new Parties(scheme, 2, 2).all();
}, 60_000);
const open = (): Promise<Keys> => openAll(scheme, made);

const copied =
  (from: number, to: number, length: number): Change =>
  (bytes) =>
    put(bytes, to, bytes.subarray(from, from + length));

describe('a member of a quorum that lies', () => {
  it.each<[number, string, Change, blame: string, message: RegExp]>([
    [1, 'its sender', bit(0), 'Culprit 2', /says that it goes from 3 to 1/],
    [1, 'its receiver', bit(1), 'Culprit 2', /says that it goes from 2 to 0|malformed/],
    [1, 'its session', bit(10), 'nobody', /different signing session/],
    [1, 'its commitment', bit(40), 'Culprit 2', /commitment mismatch/],
    [1, 'the nonce of its extension', bit(70), 'Banned 2', /Consistency check failed/],
    [1, 'a length', bit(98), 'Culprit 2', /malformed/],
    [1, 'its extension matrix', bit(9_000), 'Banned 2', /Consistency check failed/],
    [1, 'the check of its extension', bit(20_070), 'Banned 2', /Consistency check failed/],
    [1, 'its last byte', bit(26_752), 'Banned 2', /Consistency check failed/],
    [1, 'its length', (bytes) => bytes.subarray(1), 'Culprit 2', /want 26753 bytes, got 26752/],
    [1, 'all of it', () => new Uint8Array(), 'Culprit 2', /want 26753 bytes, got 0/],
    [1, 'its size', () => new Uint8Array(1 << 24), 'Culprit 2', /want 26753 bytes, got 16777216/],
    [2, 'its sender', bit(0), 'Culprit 2', /says that it goes from 3 to 1/],
    [2, 'its session', bit(33), 'nobody', /different signing session/],
    [2, 'gamma u', copied(68, 34, 34), 'Banned 2', /gamma-u inconsistency/],
    [2, 'gamma v', copied(34, 68, 34), 'Banned 2', /consistency check failed/],
    [2, 'a point that is none', (bytes) => put(bytes, 35, Uint8Array.of(5)), 'Culprit 2', /malformed/],
    [2, 'psi', bit(134), 'Culprit 2', /commitment mismatch/],
    [2, 'psi, to the order', (bytes) => put(bytes, 102, order), 'Culprit 2', /malformed/],
    [2, 'its public share', copied(169, 135, 34), 'Banned 2', /consistency check failed/],
    [2, 'its instance point', copied(135, 169, 34), 'Culprit 2', /commitment mismatch/],
    [2, 'what opens its commitment', bit(204), 'Culprit 2', /commitment mismatch/],
    [2, 'a correction', bit(30_000), 'Banned 2', /Consistency check failed/],
    [2, 'its last byte', bit(55_386), 'Banned 2', /consistency check failed/],
    [2, 'its length', (bytes) => concat(bytes, Uint8Array.of(0)), 'Culprit 2', /want 55387 bytes, got 55388/],
  ])('about step %i: %s', async (step, _, change, blamed, message) => {
    const { outcomes } = await attempt(await open(), [1, 2], {
      tamper: (bytes, { round, from }) => (round === step && from === 2 ? change(bytes) : bytes),
    });
    const [victim, liar] = [outcomes.get(1), outcomes.get(2)];
    if (victim?.status !== 'rejected') return expect.unreachable('should have failed');
    expect(blame(victim.reason)).toBe(blamed);
    expect((victim.reason as Error).message).toMatch(message);
    if (liar?.status === 'rejected') expect(blame(liar.reason)).toBe('nobody');
  });

  it('gives messages of another session, and nobody is to blame', async () => {
    const keys = await open();
    const before = await attempt(keys, [1, 2]);
    for (const step of [1, 2]) {
      const { outcomes } = await attempt(keys, [1, 2], {
        tamper: (bytes, { round, from }) =>
          round === step && from === 2 ? (before.talk.sent.get(`${step} 2 1`) as Uint8Array) : bytes,
      });
      const error = await failure((async () => sharesOf(outcomes))());
      expect(error.message).toMatch('different signing session');
      expect(blame(error)).toBe('nobody');
    }
    await expect(signed(keys, [1, 2])).resolves.toHaveLength(65);
  });

  it.each<[string, NonNullable<Attempt['told']>]>([
    ['another hash', (i, input) => (i === 1 ? input : { ...input, message: random() })],
    ['another path', (i, input) => (i === 1 ? input : { ...input, path: 'm/0' })],
    [
      'another contribution of the other',
      (i, input) =>
        i === 1
          ? input
          : {
              ...input,
              commitments: new Map(input.commitments).set(1, { hiding: random(), binding: new Uint8Array() }),
            },
    ],
  ])('or was told %s: neither gives a share, and nobody is to blame', async (_, told) => {
    const keys = await open();
    const { outcomes } = await attempt(keys, [1, 2], { told });
    for (const outcome of outcomes.values()) {
      if (outcome.status !== 'rejected') return expect.unreachable('should have failed');
      expect((outcome.reason as Error).message).toMatch(/different signing session|left/);
      expect(blame(outcome.reason)).toBe('nobody');
    }
    await expect(signed(keys, [1, 2])).resolves.toHaveLength(65);
  });

  it('and is banned is not signed with again while the share is open', async () => {
    const keys = await open();
    const lie = await attempt(keys, [1, 2], {
      tamper: (bytes, { round, from }) => (round === 1 && from === 2 ? flipped(bytes, 72_000) : bytes),
    });
    expect(blame(await failure((async () => sharesOf(lie.outcomes))()))).toBe('Banned 2');
    const error = await failure(signed(keys, [1, 2]));
    expect(error.message).toMatch('identifier 2 is banned');
    expect(blame(error)).toBe('nobody');
  });

  it('about its signature share', async () => {
    const keys = await open();
    const { input, outcomes } = await attempt(keys, [1, 2]);
    const shares = sharesOf(outcomes);
    const theirs = shares.get(2) as Uint8Array;
    const stray = sharesOf((await attempt(keys, [1, 2])).outcomes).get(2) as Uint8Array;
    for (const [share, blamed, message] of [
      [bit(31)(theirs), 'Culprit 2', /do not agree on the signature's r/],
      [stray, 'Culprit 2', /do not agree on the signature's r/],
      [bit(63)(theirs), 'Suspects 2', /signature verification failed/],
      [bit(95)(theirs), 'Suspects 2', /signature verification failed/],
      [put(theirs, 32, order.subarray(1)), 'Culprit 2', /want scalars below the order/],
      [theirs.subarray(1), 'Culprit 2', /want 96 bytes, got 95/],
      [new Uint8Array(1 << 20), 'Culprit 2', /want 96 bytes/],
    ] as const) {
      const error = await failure(keys.get(1)!.aggregate(input, new Map(shares).set(2, share)));
      expect(blame(error)).toBe(blamed);
      expect(error.message).toMatch(message);
    }
    const other = { ...input, message: random() };
    expect(blame(await failure(keys.get(1)!.aggregate(other, shares)))).toBe('Suspects 2');
    for (const wrong of [new Map([...shares].slice(1)), new Map(shares).set(3, theirs), new Map()])
      expect(blame(await failure(keys.get(1)!.aggregate(input, wrong)))).toBe('nobody');
    await expect(keys.get(1)!.aggregate(input, shares)).resolves.toHaveLength(65);
  });
});
