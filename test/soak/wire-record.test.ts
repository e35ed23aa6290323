import { describe, expect, it } from 'vitest';
import { digest as digestOf } from '../../common/bytes.ts';
import type { SignRound } from '../../proto/gen/signer/v1/peer.ts';
import { SimulatedWallet } from '../simulation/simulated-wallet.ts';
import { WireRecord } from './wire-record.ts';

const wallet = new SimulatedWallet({
  policy: { rules: [{ name: 'any', verdict: 'Allow', match: { kinds: ['Digest'] } }] },
});

const round = (session: number, id: string, data: number, index: bigint): SignRound => ({
  session: new Uint8Array(32).fill(session),
  request: wallet.request({ id, data: `0x${String(data).padStart(2, '0').repeat(32)}` }),
  policyDigest: '',
  effectsDigest: '',
  time: '',
  epoch: '0',
  quorum: ['infrastructure', 'client'],
  inputs: [
    {
      contributions: ['infrastructure', 'client'].map((holder) => ({
        holder,
        boot: new Uint8Array(16),
        index,
        hiding: new Uint8Array(32),
        binding: new Uint8Array(32),
      })),
    },
  ],
  key: 'solana',
});

/** What is wrong once client let its shares go for each of `rounds`. */
function after(rounds: readonly SignRound[], onDisk = (_holder: string, _digest: string): boolean => true) {
  const record = new WireRecord(2, onDisk);
  for (const each of rounds) {
    record.round(each);
    record.sent('client', { $case: 'signShares', value: { session: each.session, shares: [] } });
  }
  return record;
}

describe('what shares on the wire say', () => {
  const first = round(1, 'a', 11, 1n);

  it('is nothing wrong where each id has one digest, each session its nonces, and the limit holds', () => {
    expect(after([first, first, round(2, 'b', 12, 2n)]).violations).toEqual([]);
  });

  it('is wrong where an id has two digests', () => {
    expect(after([first, round(2, 'a', 12, 2n)]).violations).toEqual([
      expect.stringMatching(/^client lets shares go for a as sha256:.* and as sha256:/),
    ]);
  });

  it('is wrong where two sessions use a nonce', () => {
    expect(after([first, round(2, 'b', 12, 1n)]).violations).toEqual([
      expect.stringMatching(/^client uses nonce solana\/0{32}\/1 in two sessions$/),
    ]);
  });

  it('is wrong beyond the limit, until its window is over', () => {
    const rounds = [1, 2, 3].map((i) => round(i, `r${i}`, 10 + i, BigInt(i)));
    expect(after(rounds).violations).toEqual(['client lets shares go for 3 requests, the limit is 2']);
    const record = after(rounds.slice(0, 2));
    record.newWindow();
    record.sent('client', { $case: 'signShares', value: { session: new Uint8Array(32).fill(2), shares: [] } });
    expect(record.violations).toEqual([]);
  });

  it('is wrong before the spend is on disk, and of a session that nobody made', () => {
    const digest = digestOf(first.request?.statement ?? new Uint8Array());
    expect(after([first], (holder, spent) => holder !== 'client' || spent !== digest).violations).toEqual([
      `a share of client for ${digest} left before its spend was on disk`,
    ]);
    const record = new WireRecord(2, () => true);
    record.sent('client', { $case: 'signShares', value: { session: first.session, shares: [] } });
    expect(record.violations).toEqual(['client lets shares go for a session that nobody made']);
  });
});
