import { describe, expect, it, vi } from 'vitest';
import { fromUtf8 } from '../../common/bytes.ts';
import type { Clock } from '../../common/clock.ts';
import { CountingMeter } from '../../test/simulation/counting-meter.ts';
import { fastClock } from '../../test/simulation/fast-clock.ts';
import { SimulatedWallet } from '../../test/simulation/simulated-wallet.ts';
import type { PeerBody } from '../peers/peers.ts';
import { frostScheme, inlineEngine } from '../scheme/frost-scheme.ts';
import { retryPause } from './keygen-failure.ts';

const policy = { rules: [{ name: 'raw', verdict: 'Allow', match: { kinds: ['Digest'] } }] };
const keys = [{ name: 'solana', scheme: 'EdDSA' as const }];

const flipped = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte));

/** Client's secret shares for `victims` are wrong. */
const wrongShares =
  (...victims: readonly string[]) =>
  (from: string, to: string, body: PeerBody): boolean | PeerBody =>
    from === 'client' && victims.includes(to) && body.$case === 'keygenRound2'
      ? { ...body, value: { ...body.value, share: flipped(body.value.share) } }
      : true;

const eventually = (holds: () => boolean): Promise<unknown> => vi.waitUntil(holds, { timeout: 10_000, interval: 2 });
const culprits = (wallet: SimulatedWallet, holder: string): readonly string[] =>
  wallet
    .disk(holder)
    .audit.map((r) => JSON.parse(fromUtf8(r.record)) as Record<string, string>)
    .flatMap((entry) => (entry['type'] === 'CulpritFound' ? [`${entry['key']} ${entry['culprit']}`] : []));
const messageAt = (wallet: SimulatedWallet, holder: string): string =>
  wallet.signer(holder).describe().keys[0]?.message ?? '';

describe('a holder that gives wrong shares in key generation', () => {
  it('is named by everyone whose check failed, goes on record once, and the key is made once it is repaired', async () => {
    const meter = new CountingMeter();
    const wallet = new SimulatedWallet({ policy, clock: fastClock(20), meter: meter.of });
    wallet.network.onSend = wrongShares('infrastructure', 'backup');
    await wallet.startAll(keys);
    const victims = ['infrastructure', 'backup'];
    for (const name of victims) {
      await eventually(() => meter.told(name, 'failure keygen CulpritFound client').length >= 3);
      await eventually(() => messageAt(wallet, name).includes('a check failed on what client sent'));
      expect(culprits(wallet, name)).toEqual(['solana client']);
    }
    expect(culprits(wallet, 'client')).toEqual([]);
    expect(meter.told('client', 'failure keygen CulpritFound')).toEqual([]);
    wallet.network.onSend = () => true;
    await wallet.keyActive('solana');
  });

  it('is named by the leader in the words of whom it cheats, and on record only there', async () => {
    const wallet = new SimulatedWallet({ policy, clock: fastClock(20) });
    wallet.network.onSend = wrongShares('backup');
    await wallet.startAll(keys);
    await eventually(() =>
      messageAt(wallet, 'infrastructure').includes('failed at backup: "a check failed on what client'),
    );
    expect(wallet.signer('infrastructure').describe().keys[0]?.state).toBe('Failed');
    expect(culprits(wallet, 'backup')).toEqual(['solana client']);
    expect(culprits(wallet, 'infrastructure')).toEqual([]);
    wallet.network.onSend = () => true;
    await wallet.keyActive('solana');
  });

  it('goes on record before the leader is told, and anew where that could not be written', async () => {
    const wallet = new SimulatedWallet({ policy, clock: fastClock(20) });
    const toldFirst: boolean[] = [];
    const wrong = wrongShares('backup');
    wallet.network.onSend = (from, to, body) => {
      if (from === 'backup' && body.$case === 'keygenStatus' && body.value.state === 'Failed')
        toldFirst.push(culprits(wallet, 'backup').length === 0);
      return wrong(from, to, body);
    };
    for (const { name } of wallet.holders) await wallet.open(name);
    const store = wallet.store('backup');
    const write = store.write.bind(store);
    let failures = 1;
    store.write = (change) =>
      change.audit?.[0]?.type === 'CulpritFound' && failures-- > 0
        ? Promise.reject(new Error('broken'))
        : write(change);
    for (const { name } of wallet.holders)
      await wallet.signer(name).provision({
        genesis: wallet.genesis,
        policyDocument: wallet.policyDocument,
        peers: [],
        keys: [...keys],
      });
    await eventually(() => toldFirst.length >= 3);
    expect(toldFirst.slice(0, 3)).toEqual([true, false, false]);
    expect(culprits(wallet, 'backup')).toEqual(['solana client']);
    wallet.killAll();
  });

  it('makes the leader wait longer after each attempt', async () => {
    const pauses: number[] = [];
    const fast = fastClock(50);
    const clock: Clock = {
      ...fast,
      after(ms, run) {
        pauses.push(ms);
        return fast.after(ms, run);
      },
    };
    const wallet = new SimulatedWallet({ policy, clock });
    wallet.network.onSend = wrongShares('infrastructure');
    await wallet.startAll(keys);
    await eventually(() => (wallet.disk('infrastructure').keys.get('solana')?.attempt ?? 0) >= 6);
    for (let failures = 1; failures <= 5; failures++) {
      const [least, most] = [retryPause(failures, 0) * 0.9, retryPause(failures, 1)];
      expect(
        pauses.some((ms) => ms > least && ms <= most),
        `after ${failures}`,
      ).toBe(true);
    }
  });
});

it('names nobody where a third holder may have given others other commitments', async () => {
  const engine = inlineEngine();
  const holders = [
    { name: 'infrastructure', role: 'Infrastructure' },
    { name: 'client', role: 'Client' },
    { name: 'other', role: 'Client' },
  ] as const;
  const wallet = new SimulatedWallet({ policy, holders, threshold: 3, scheme: (name) => frostScheme(name, engine) });
  // The other signs over what client told it; to infrastructure, who was told otherwise, its share looks wrong.
  wallet.network.onSend = (from, to, body) =>
    from === 'client' && to === 'other' && body.$case === 'keygenTestCommitments'
      ? {
          ...body,
          value: { ...body.value, commitments: body.value.commitments.map((c) => ({ ...c, hiding: c.binding })) },
        }
      : true;
  await wallet.startAll(keys);
  await eventually(() => messageAt(wallet, 'infrastructure').includes('one of client, other is wrong'));
  for (const { name } of wallet.holders) expect(culprits(wallet, name)).toEqual([]);
  wallet.killAll();
});

it('only the leader records how long a key generation took', async () => {
  const meter = new CountingMeter();
  const wallet = new SimulatedWallet({ policy, meter: meter.of });
  await wallet.startAll(keys);
  await wallet.keyActive('solana');
  await eventually(() => meter.told('infrastructure', 'ceremony keygen').length > 0);
  expect(meter.told('infrastructure', 'ceremony')).toEqual(['ceremony keygen solana succeeded']);
  for (const name of ['client', 'backup']) expect(meter.told(name, 'ceremony')).toEqual([]);
});
