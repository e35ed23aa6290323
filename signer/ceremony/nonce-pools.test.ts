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
  const asContributions = (made: Awaited<ReturnType<OwnNonces['refill']>>): Contribution[] =>
    made.map(({ index, hiding, binding }) => ({ holder: 'me', boot, index, hiding, binding }));

  it('are each given once, and known by everything that was said of them', async () => {
    const nonces = new OwnNonces(boot, await openKey(), { next: 1n });
    const [first, second, third, ...rest] = asContributions(await nonces.refill(true)) as [
      Contribution,
      Contribution,
      Contribution,
    ];
    expect(rest).toHaveLength(POOL_SIZE - 3);
    expect(nonces.take([first])).toMatchObject([{ index: first.index }]);
    expect(nonces.take([first])).toBeUndefined();
    expect(nonces.take([{ ...second, boot: new Uint8Array(16) }])).toBeUndefined();
    // One that is wrong burns the others that were asked for with it.
    expect(nonces.take([third, { ...second, hiding: first.hiding }])).toBeUndefined();
    expect(nonces.take([third])).toBeUndefined();
    expect(nonces.take([second])).toBeUndefined();
  });

  it('are made anew up to a full pool, in batches', async () => {
    const nonces = new OwnNonces(boot, await openKey(), { next: 1n });
    const made = asContributions(await nonces.refill(true));
    expect(await nonces.refill(true)).toEqual([]);
    nonces.take(made.slice(0, 2));
    expect(await nonces.refill(false)).toEqual([]);
    const more = await nonces.refill(true);
    expect(more.map((c) => c.index)).toEqual([65n, 66n]);
    expect(nonces.size).toBe(POOL_SIZE);
    nonces.clear();
    expect(nonces.size).toBe(0);
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
