import { describe, expect, it, vi } from 'vitest';
import { fastClock } from '../../test/simulation/fast-clock.ts';
import { copyOf } from '../../test/simulation/network.ts';
import { SimulatedWallet, type SimulatedHolder } from '../../test/simulation/simulated-wallet.ts';
import type { PeerBody } from '../peers/peers.ts';
import { POOL_SIZE } from './nonce-pools.ts';

const keys = [{ name: 'solana', scheme: 'EdDSA' as const }];
const policy = { rules: [{ name: 'raw', verdict: 'Allow', match: { kinds: ['Digest'] } }] };
const holders: readonly SimulatedHolder[] = [
  { name: 'infrastructure', role: 'Infrastructure' },
  { name: 'mallory', role: 'Client' },
  { name: 'one', role: 'Client' },
  { name: 'two', role: 'Client' },
];
const nothing: PeerBody = { $case: 'heartbeat', value: { stamp: 0n, answer: true } };

async function started(onSend: SimulatedWallet['network']['onSend']): Promise<SimulatedWallet> {
  const wallet = new SimulatedWallet({ policy, holders, threshold: 3, clock: fastClock(20) });
  wallet.network.onSend = onSend;
  await wallet.startAll(keys);
  await wallet.keyActive('solana');
  return wallet;
}

const signAt = (wallet: SimulatedWallet, id: number) =>
  wallet.sign('infrastructure', wallet.request({ id: `r${id}`, data: `0x${id.toString(16).padStart(64, '0')}` }));

describe('commitments of members', () => {
  it('that one keeps to itself stop nobody else', async () => {
    const wallet = await started((from, _to, body) =>
      from === 'mallory' && body.$case === 'commitments' ? nothing : true,
    );
    // Only with mallory would there be a quorum: what the others gave must not be used up by trying.
    wallet.network.cut('infrastructure', 'two');
    for (let i = 0; i < POOL_SIZE; i += 16)
      for (const reply of await Promise.all(Array.from({ length: 16 }, (_, j) => signAt(wallet, i + j))))
        expect(reply).toMatchObject({ outcome: 'failed', reason: 'QuorumUnavailable' });
    wallet.network.heal('infrastructure', 'two');
    expect(await signAt(wallet, 1000)).toMatchObject({
      outcome: 'signed',
      participants: ['infrastructure', 'one', 'two'],
    });
  });

  it('that are lost are made anew without a new link', async () => {
    let [lose, lost] = [true, 0];
    const wallet = await started((_from, _to, body) => {
      if (!lose || body.$case !== 'commitments') return true;
      lost += body.value.commitments.length;
      return nothing;
    });
    while (lost < 3 * POOL_SIZE)
      await new Promise((resolve) => {
        setTimeout(resolve, 1);
      });
    expect(await signAt(wallet, 0)).toMatchObject({ outcome: 'failed', reason: 'QuorumUnavailable' });
    lose = false;
    // Asked for while the first of these waits; on a slow machine it gives up before they come.
    let reply = await signAt(wallet, 1);
    for (let i = 0; i < 20 && reply.outcome !== 'signed'; i++) reply = await signAt(wallet, 1);
    expect(reply.outcome).toBe('signed');
  });

  it('that their maker dropped fail no request, though a whole pool of them is held', async () => {
    const before: PeerBody[] = [];
    const wallet = await started((from, to, body) => {
      if (from === 'mallory' && to === 'infrastructure' && body.$case === 'commitments') before.push(copyOf(body));
      return true;
    });
    // Only with mallory is there a quorum.
    wallet.network.cut('infrastructure', 'two');
    expect(await signAt(wallet, 0)).toMatchObject({ outcome: 'signed' });
    const sent = (body: PeerBody): number => (body.$case === 'commitments' ? body.value.commitments.length : 0);
    const full = (): boolean => before.reduce((sum, body) => sum + sent(body), 0) >= POOL_SIZE;
    await vi.waitUntil(full, { timeout: 10_000 });
    const dropped = before.splice(0);
    wallet.network.cut('infrastructure', 'mallory');
    wallet.network.heal('infrastructure', 'mallory');
    await vi.waitUntil(full, { timeout: 10_000 });
    // A new pool came, and after it what was sent before it.
    for (const body of dropped) wallet.network.forge('mallory', 'infrastructure', body);
    for (let i = 1; i < 4; i++)
      expect(await signAt(wallet, i)).toMatchObject({
        outcome: 'signed',
        participants: ['infrastructure', 'mallory', 'one'],
      });
  });

  const malformed: readonly (readonly [string, (body: PeerBody) => PeerBody | undefined])[] = [
    [
      'a boot of 15 bytes',
      (b) => (b.$case === 'commitments' ? { ...b, value: { ...b.value, boot: b.value.boot.slice(1) } } : undefined),
    ],
    [
      'points of 31 bytes',
      (b) =>
        b.$case === 'commitments'
          ? {
              ...b,
              value: {
                ...b.value,
                commitments: b.value.commitments.map((c) => ({ ...c, hiding: c.hiding.slice(1) })),
              },
            }
          : undefined,
    ],
    [
      "points of another scheme's length",
      (b) =>
        b.$case === 'commitments'
          ? {
              ...b,
              value: {
                ...b.value,
                commitments: b.value.commitments.map((c) => ({ ...c, binding: new Uint8Array(33) })),
              },
            }
          : undefined,
    ],
    [
      'an index that no database counts to',
      (b) =>
        b.$case === 'commitments'
          ? {
              ...b,
              value: { ...b.value, commitments: b.value.commitments.map((c) => ({ ...c, index: 2n ** 64n - 1n })) },
            }
          : undefined,
    ],
    [
      'shares of 31 bytes',
      (b) =>
        b.$case === 'signShares'
          ? { ...b, value: { ...b.value, shares: b.value.shares.map((s) => s.slice(1)) } }
          : undefined,
    ],
    [
      'more shares than inputs',
      (b) =>
        b.$case === 'signShares'
          ? { ...b, value: { ...b.value, shares: [...b.value.shares, ...b.value.shares] } }
          : undefined,
    ],
  ];
  for (const [what, change] of malformed)
    it(`with ${what} are of one member alone: the others sign`, async () => {
      const wallet = await started((from, _to, body) => (from === 'mallory' && change(body)) || true);
      for (let i = 0; i < 2; i++)
        expect(await signAt(wallet, i)).toMatchObject({
          outcome: 'signed',
          participants: ['infrastructure', 'one', 'two'],
        });
    });
});
