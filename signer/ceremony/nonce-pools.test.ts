import { describe, expect, it } from 'vitest';
import type { Contribution } from '../../proto/gen/signer/v1/peer.ts';
import { toyScheme } from '../../test/simulation/toy-scheme.ts';
import type { KeyShare, SigningKey } from '../scheme/scheme.ts';
import { OwnNonces, PeerCommitments, POOL_SIZE } from './nonce-pools.ts';

const boot = new Uint8Array(16).fill(1);

async function openKey(): Promise<SigningKey> {
  const scheme = toyScheme('EdDSA');
  const [first, second] = [scheme.keygen(1, 2, 2), scheme.keygen(2, 2, 2)];
  const round1 = [await first.round1(), await second.round1()] as const;
  await first.round2(new Map([[2, round1[1]]]));
  const shares = await second.round2(new Map([[1, round1[0]]]));
  const { key } = await first.round3(new Map([[2, shares.get(1) as Uint8Array]]));
  return scheme.open(key satisfies KeyShare);
}

const commitment = (index: number) => ({
  index: BigInt(index),
  hiding: new Uint8Array(32),
  binding: new Uint8Array(32),
});

describe("a holder's own nonces", () => {
  /** A pool, and what it delivered so far. */
  function poolOf(key: SigningKey): {
    readonly pool: OwnNonces;
    readonly made: Contribution[];
    readonly firsts: boolean[];
  } {
    const made: Contribution[] = [];
    const firsts: boolean[] = [];
    const pool = new OwnNonces(boot, key, { next: 1n }, (commitments, first) => {
      firsts.push(first);
      made.push(...commitments.map((c) => ({ holder: 'me', boot, ...c })));
    });
    return { pool, made, firsts };
  }

  it('are each given once, and known by everything that was said of them', async () => {
    const { pool, made } = poolOf(await openKey());
    await pool.fill(true);
    const [first, second, third, ...rest] = made as [Contribution, Contribution, Contribution];
    expect(rest).toHaveLength(POOL_SIZE - 3);
    expect(pool.take([first])).toMatchObject([{ index: first.index }]);
    expect(pool.take([first])).toBeUndefined();
    expect(pool.take([{ ...second, boot: new Uint8Array(16) }])).toBeUndefined();
    // One that is wrong burns the others that were asked for with it.
    expect(pool.take([third, { ...second, hiding: first.hiding }])).toBeUndefined();
    expect(pool.take([third])).toBeUndefined();
    expect(pool.take([second])).toBeUndefined();
  });

  it('are made and delivered in batches up to a full pool', async () => {
    const { pool, made, firsts } = poolOf(await openKey());
    await pool.fill(true);
    expect(firsts).toEqual([true, ...Array.from({ length: POOL_SIZE / 8 - 1 }, () => false)]);
    pool.take(made.slice(0, 2));
    await pool.fill(false);
    expect(made).toHaveLength(POOL_SIZE);
    await pool.fill(true);
    expect(made.slice(POOL_SIZE).map((c) => c.index)).toEqual([65n, 66n]);
    expect(pool.size).toBe(POOL_SIZE);
  });

  it('can be used as soon as there are enough, while the rest is made', async () => {
    const { pool } = poolOf(await openKey());
    const filled = pool.fill(true);
    expect(await pool.takeAny(2)).toHaveLength(2);
    expect(pool.size).toBeLessThan(POOL_SIZE - 2);
    await filled;
    expect(await pool.takeAny(POOL_SIZE)).toHaveLength(POOL_SIZE);
  });

  it('leave nothing in the engine when their coordinator starts anew, however often', async () => {
    const key = await openKey();
    const held = new Set<number>();
    const counting: SigningKey = {
      ...key,
      async commit(count) {
        const fresh = await key.commit(count);
        for (const { nonce } of fresh) held.add(nonce);
        return fresh;
      },
      discard: (nonces) => nonces.forEach((nonce) => held.delete(nonce)),
    };
    for (let i = 0; i < 20; i++) {
      const { pool } = poolOf(counting);
      const filled = pool.fill(true);
      for (let turn = 0; turn < i; turn++) await Promise.resolve();
      pool.close();
      await filled;
      expect(held.size, `closed after ${i} turns`).toBe(0);
    }
  });
});

describe("a peer's commitments", () => {
  it('are given out once each, in order, and wait for a delivery', async () => {
    const pool = new PeerCommitments('client');
    const early = pool.take(2);
    pool.add(boot, [commitment(1)], true);
    pool.add(boot, [commitment(2), commitment(3)], false);
    expect((await early.taken)?.map((c) => c.index)).toEqual([1n, 2n]);
    expect((await pool.take(1).taken)?.map((c) => c.index)).toEqual([3n]);
    expect(pool.size).toBe(0);
  });

  it('stay for others where somebody gave up waiting', async () => {
    const pool = new PeerCommitments('client');
    const [first, second] = [pool.take(1), pool.take(1)];
    first.giveUp();
    expect(await first.taken).toBeUndefined();
    pool.add(boot, [commitment(1)], true);
    expect((await second.taken)?.map((c) => c.index)).toEqual([1n]);
  });

  it('come back where no session began, unless they are void since', async () => {
    const pool = new PeerCommitments('client');
    pool.add(boot, [commitment(1), commitment(2)], true);
    const taken = (await pool.take(2).taken) ?? [];
    pool.giveBack(taken);
    pool.giveBack(taken);
    expect(pool.size).toBe(2);
    expect(await pool.take(2).taken).toEqual(taken);
    pool.add(boot, [commitment(3)], true);
    pool.giveBack(taken);
    expect(pool.size).toBe(1);
    const waiting = pool.take(2);
    pool.add(boot, [commitment(4)], false);
    expect((await waiting.taken)?.map((c) => c.index)).toEqual([3n, 4n]);
  });

  it('are void together once their maker does not know one, but not those of a later pool', async () => {
    const pool = new PeerCommitments('client');
    pool.add(boot, [commitment(1), commitment(2), commitment(3)], true);
    const [first, second] = [(await pool.take(1).taken) ?? [], (await pool.take(1).taken) ?? []];
    expect(pool.refused(first)).toBe(true);
    expect(pool.size).toBe(0);
    const waiting = pool.take(1);
    pool.add(boot, [commitment(4), commitment(5)], true);
    expect((await waiting.taken)?.map((c) => c.index)).toEqual([4n]);
    expect(pool.refused(first)).toBe(false);
    expect(pool.refused(second)).toBe(false);
    expect(pool.size).toBe(1);
  });

  it('are no more than a pool, and void when the peer goes', async () => {
    const pool = new PeerCommitments('client');
    pool.add(
      boot,
      Array.from({ length: 100 }, (_, i) => commitment(i)),
      true,
    );
    expect(pool.size).toBe(POOL_SIZE);
    const waiting = pool.take(POOL_SIZE + 1);
    pool.clear();
    expect(await waiting.taken).toBeUndefined();
    expect(pool.size).toBe(0);
  });
});
