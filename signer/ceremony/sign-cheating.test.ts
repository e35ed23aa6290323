import { describe, expect, it, vi } from 'vitest';
import { fromUtf8 } from '../../common/bytes.ts';
import { CountingMeter } from '../../test/simulation/counting-meter.ts';
import { SimulatedWallet, type SimulatedHolder } from '../../test/simulation/simulated-wallet.ts';
import type { PeerBody } from '../peers/peers.ts';
import { frostScheme, inlineEngine } from '../scheme/frost-scheme.ts';

const keys = [{ name: 'solana', scheme: 'EdDSA' as const }];
const policy = { rules: [{ name: 'raw', verdict: 'Allow', match: { kinds: ['Digest'] } }] };
const engine = inlineEngine();
const fourHolders: readonly SimulatedHolder[] = [
  { name: 'infrastructure', role: 'Infrastructure' },
  { name: 'one', role: 'Client' },
  { name: 'two', role: 'Client' },
  { name: 'backup', role: 'Backup' },
];

/** The signature shares of `cheater` are wrong. */
const wrongShares =
  (cheater: string) =>
  (from: string, _to: string, body: PeerBody): boolean | PeerBody => {
    if (from !== cheater || body.$case !== 'signShares') return true;
    const shares = body.value.shares.map((share) => share.map((byte, i) => (i === 0 ? byte ^ 1 : byte)));
    return { ...body, value: { ...body.value, shares } };
  };

async function started(holders?: readonly SimulatedHolder[]) {
  const meter = new CountingMeter();
  const wallet = new SimulatedWallet({
    policy,
    meter: meter.of,
    scheme: (name) => frostScheme(name, engine),
    ...(holders && { holders }),
  });
  await wallet.startAll(keys);
  await wallet.keyActive('solana');
  return { wallet, meter };
}

const accused = (wallet: SimulatedWallet, holder: string): readonly Record<string, string>[] =>
  wallet
    .disk(holder)
    .audit.map((r) => JSON.parse(fromUtf8(r.record)) as Record<string, string>)
    .filter((entry) => entry['type'] === 'CulpritFound');
const linksUp = (wallet: SimulatedWallet): Promise<unknown> =>
  vi.waitUntil(() => wallet.signer('infrastructure').peers.every(([, up]) => up), { timeout: 10_000 });

describe('a member that gives a wrong signature share', () => {
  it('is on record before any answer leaves, and left out for good; nobody is told to wait for it', async () => {
    const { wallet, meter } = await started();
    wallet.network.onSend = wrongShares('client');
    const store = wallet.store('infrastructure');
    const write = store.write.bind(store);
    const { promise: mayWrite, resolve: goOn } = Promise.withResolvers<void>();
    let held = false;
    store.write = async (change) => {
      held ||= change.audit?.[0]?.type === 'CulpritFound';
      if (change.audit?.[0]?.type === 'CulpritFound') await mayWrite;
      return write(change);
    };
    let answered = false;
    const request = wallet.request({ id: 'cheated' });
    const asked = wallet.sign('infrastructure', request).finally(() => (answered = true));
    await vi.waitUntil(() => held, { timeout: 10_000 });
    for (let i = 0; i < 10; i++) await new Promise((resolve) => void setImmediate(resolve));
    expect(answered).toBe(false);
    goOn();
    const reply = await asked;

    const leftOut = 'client is left out since a check failed: key solana: signature shares of identifiers 2 are wrong';
    expect(reply).toMatchObject({ outcome: 'failed', reason: 'SignatureMayExist', signatures: [], waitsFor: [] });
    expect(reply.message).toContain(leftOut);
    expect(accused(wallet, 'infrastructure')).toMatchObject([
      { culprit: 'client', key: 'solana', digest: reply.digest },
    ]);
    expect(wallet.disk('infrastructure').peers.get('client')?.fenced).not.toBe('');
    expect(meter.told('infrastructure', 'failure sign CulpritFound')).toEqual(['failure sign CulpritFound client']);
    // The member's share is out, and one day it may give a right one: a spend at both.
    for (const name of ['infrastructure', 'client'])
      expect(wallet.disk(name).ledger.get(reply.digest)?.state, name).toBe('Spent');
    expect(wallet.disk('infrastructure').requests.get(reply.digest)).toMatchObject({
      state: 'Released',
      signatures: [],
    });

    // Though it is honest from now on.
    wallet.network.onSend = () => true;
    const other = wallet.request({ id: 'other', data: `0x${'22'.repeat(32)}` });
    for (const restart of [false, true]) {
      if (restart) {
        wallet.kill('infrastructure');
        await wallet.start('infrastructure', keys);
        await linksUp(wallet);
      }
      const [again, next] = [await wallet.sign('infrastructure', request), await wallet.sign('client', other)];
      expect(again).toMatchObject({ reason: 'SignatureMayExist', signatures: [], waitsFor: [] });
      expect(again.message).toContain(leftOut);
      expect(next).toMatchObject({ outcome: 'failed', reason: 'QuorumUnavailable', signatures: [], waitsFor: [] });
      expect(next.message).toContain(
        `nobody is left to wait for: 1 of 2 signers that must take part are available (${leftOut}`,
      );
      expect(wallet.signer('infrastructure').describe().peers).toMatchObject([
        { name: 'client', available: true, fenced: true },
        { name: 'backup', fenced: false },
      ]);
    }
    // Of what was asked since it has given nothing, and is accused no second time.
    expect(wallet.disk('client').releases.map(({ digest }) => digest)).toEqual([reply.digest]);
    expect(accused(wallet, 'infrastructure')).toHaveLength(1);
    expect(
      wallet
        .signer('client')
        .describe()
        .peers.some(({ fenced }) => fenced),
    ).toBe(false);
  });

  it('does not stop others from signing the same request, nor the next', async () => {
    const { wallet, meter } = await started(fourHolders);
    wallet.network.onSend = wrongShares('one');
    const request = wallet.request({ id: 'cheated' });
    const reply = await wallet.sign('infrastructure', request);
    expect(reply).toMatchObject({ outcome: 'signed', participants: ['infrastructure', 'two'] });
    expect(accused(wallet, 'infrastructure')).toMatchObject([{ culprit: 'one', digest: reply.digest }]);
    expect(wallet.disk('infrastructure').peers.get('one')?.fenced).toContain('signature shares');
    expect(meter.told('infrastructure', 'failure')).toEqual(['failure sign CulpritFound one']);
    expect((await wallet.sign('infrastructure', request)).signatures).toEqual(reply.signatures);
    const next = await wallet.sign('infrastructure', wallet.request({ id: 'next', data: `0x${'22'.repeat(32)}` }));
    expect(next).toMatchObject({ outcome: 'signed', participants: ['infrastructure', 'two'] });
    expect(wallet.disk('one').releases.map(({ digest }) => digest)).toEqual([reply.digest]);
    // Who is away is waited for, who is left out is not.
    wallet.kill('two');
    const late = await wallet.sign('infrastructure', wallet.request({ id: 'late', data: `0x${'33'.repeat(32)}` }));
    expect(late).toMatchObject({ reason: 'QuorumUnavailable', waitsFor: ['two'] });
    expect(late.message).toContain('waits for two:');
    expect(late.message).toContain('one is left out since a check failed');
  });
});

describe('a request that its initiator did not sign', () => {
  it('is counted wherever it enters, once, and at a member that a forged coordinator asks', async () => {
    const { wallet, meter } = await started();
    const unsigned = { ...wallet.request({ id: 'unsigned' }), signature: '' };
    const counted = (name: string): number => meter.told(name, 'decision Deny InitiatorUnverified').length;
    for (const { name } of wallet.holders) {
      expect(await wallet.sign(name, unsigned)).toMatchObject({ reason: 'InitiatorUnverified' });
      expect(wallet.holders.map((h) => counted(h.name)).reduce((a, b) => a + b)).toBe(
        wallet.holders.findIndex((h) => h.name === name) + 1,
      );
      expect(counted(name)).toBe(1);
    }
    wallet.network.onSend = (_from, to, body) =>
      to === 'client' && body.$case === 'signRound'
        ? { ...body, value: { ...body.value, request: { ...unsigned } } }
        : true;
    await wallet.sign('infrastructure', wallet.request({ id: 'signed' }));
    expect(counted('client')).toBe(2);
    expect(wallet.disk('client').releases).toEqual([]);
  });
});

describe('a reservation', () => {
  it('that is dropped says so on record, with the same bound as refusals', async () => {
    const { wallet } = await started();
    wallet.network.onSend = (_from, to, body) =>
      to === 'client' && body.$case === 'signRound'
        ? { ...body, value: { ...body.value, policyDigest: `sha256:${'00'.repeat(32)}` } }
        : true;
    const reply = await wallet.sign('infrastructure', wallet.request({ id: 'refused' }));
    expect(reply.reason).toBe('PolicyMismatch');
    const types = wallet
      .disk('infrastructure')
      .audit.map((r) => JSON.parse(fromUtf8(r.record)) as Record<string, string>)
      .filter((entry) => entry['digest'] === reply.digest)
      .map((entry) => entry['type']);
    expect(types).toEqual(['Reserved', 'ReservationDropped', 'Failed']);
    expect(wallet.disk('infrastructure').ledger.size).toBe(0);
  });
});
