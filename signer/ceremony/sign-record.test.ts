import { describe, expect, it } from 'vitest';
import { formatTime } from '../../common/clock.ts';
import type { SignReply } from '../../proto/gen/signer/v1/signer.ts';
import { SimulatedWallet } from '../../test/simulation/simulated-wallet.ts';
import type { PeerBody } from '../peers/peers.ts';

const keys = [{ name: 'solana', scheme: 'EdDSA' as const }];
const policy = {
  rules: [{ name: 'raw', verdict: 'Allow', match: { kinds: ['Digest'] }, limits: [{ count: 1, per: '1h' }] }],
};
const digestData = (byte: number): string => `0x${byte.toString(16).padStart(2, '0').repeat(32)}`;
const holders = [
  { name: 'infrastructure', role: 'Infrastructure' },
  { name: 'one', role: 'Client' },
  { name: 'two', role: 'Client' },
] as const;

async function started(options: Partial<ConstructorParameters<typeof SimulatedWallet>[0]> = {}) {
  const wallet = new SimulatedWallet({ policy, ...options });
  await wallet.startAll(keys);
  await wallet.keyActive('solana');
  return wallet;
}

const until = async (holds: () => boolean): Promise<void> => {
  for (let i = 0; i < 400 && !holds(); i++)
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  expect(holds()).toBe(true);
};
const allUp = (wallet: SimulatedWallet): Promise<void> =>
  until(() => wallet.signer('infrastructure').peers.every(([, up]) => up));

/** Lets `names` refuse each round with `reason` instead of giving shares. */
function refuse(wallet: SimulatedWallet, names: readonly string[], reason: string): void {
  wallet.network.onSend = (_from, to, body): boolean | PeerBody => {
    if (!names.includes(to) || body.$case !== 'signRound') return true;
    const value = { session: body.value.session, reason, message: 'because', rule: 'theirs' };
    setImmediate(() => wallet.network.forge(to, 'infrastructure', { $case: 'refusal', value }));
    return { $case: 'heartbeat', value: { stamp: 0n, answer: true } };
  };
}

describe('a request whose shares are out while nothing can be written', () => {
  /** Loses the member's share and whatever tells of it, and breaks the coordinator's disk at that moment. */
  async function lost(wallet: SimulatedWallet, id: string): Promise<SignReply> {
    const request = wallet.request({ id });
    wallet.network.onSend = (_from, _to, body) => {
      if (body.$case === 'signShares') wallet.store('infrastructure').failure = new Error('disk full');
      return body.$case !== 'signShares' && body.$case !== 'spend';
    };
    const reply = await wallet.sign('infrastructure', request);
    wallet.store('infrastructure').failure = undefined;
    wallet.kill('client');
    wallet.network.onSend = () => true;
    expect(reply).toMatchObject({ outcome: 'failed', reason: 'SignatureMayExist' });
    return reply;
  }

  it('is never called failed or denied afterwards, and keeps its id', async () => {
    const wallet = await started();
    const request = wallet.request({ id: 'lost' });
    const { digest } = await lost(wallet, 'lost');
    // Nobody is there to sign, then nothing more is allowed: neither says what became of it.
    expect(await wallet.sign('infrastructure', request)).toMatchObject({ digest, reason: 'SignatureMayExist' });
    expect(wallet.disk('infrastructure').requests.get(digest)?.state).toBe('Released');
    expect(wallet.disk('infrastructure').ledger.get(digest)?.state).toBe('Spent');
    const other = wallet.request({ id: 'lost', data: digestData(9) });
    expect(await wallet.sign('infrastructure', other)).toMatchObject({ reason: 'IdReused' });
    await wallet.start('client', keys);
    await allUp(wallet);
    expect((await wallet.sign('infrastructure', request)).outcome).toBe('signed');
  });

  it('keeps its id while not even its reservation is on disk', async () => {
    const wallet = await started();
    const write = wallet.store('infrastructure').write.bind(wallet.store('infrastructure'));
    let broken = true;
    wallet.store('infrastructure').write = (change) =>
      broken ? Promise.reject(new Error('disk full')) : write(change);
    wallet.network.onSend = (_from, _to, body) => body.$case !== 'signShares' && body.$case !== 'spend';
    const request = wallet.request({ id: 'early' });
    expect(await wallet.sign('infrastructure', request)).toMatchObject({ reason: 'SignatureMayExist' });
    broken = false;
    wallet.kill('client');
    const other = wallet.request({ id: 'early', data: digestData(9) });
    expect(await wallet.sign('infrastructure', other)).toMatchObject({ reason: 'IdReused' });
    expect(await wallet.sign('infrastructure', wallet.request({ id: 'next', data: digestData(8) }))).toMatchObject({
      reason: 'LimitExceeded',
    });
    expect(await wallet.sign('infrastructure', request)).toMatchObject({ reason: 'SignatureMayExist' });
    expect(
      wallet.disk('infrastructure').requests.get((await wallet.sign('infrastructure', request)).digest)?.state,
    ).toBe('Released');
  });
});

describe('a denial', () => {
  it('is over once others are known to have released shares of it, before that is on disk', async () => {
    const wallet = await started();
    expect((await wallet.sign('infrastructure', wallet.request({ id: 'first' }))).outcome).toBe('signed');
    const request = wallet.request({ id: 'released-elsewhere', data: digestData(7) });
    const { digest } = await wallet.sign('infrastructure', request);
    expect(wallet.disk('infrastructure').requests.get(digest)?.state).toBe('Denied');
    const store = wallet.store('infrastructure');
    const write = store.write.bind(store);
    store.write = async (change) => {
      if (change.ledger?.some((row) => row.digest === digest)) throw new Error('disk full');
      return write(change);
    };
    const value = { sequence: 1n, ...request, policyDigest: '', rule: '', time: formatTime(Date.now()) };
    wallet.network.forge('backup', 'infrastructure', { $case: 'spend', value });
    await until(() => wallet.signer('infrastructure').wallet?.limitUse()[0]?.ratio === 2);
    expect(await wallet.sign('infrastructure', request)).toMatchObject({ reason: 'SignatureMayExist' });
  });

  it('is for good only where no quorum is left that may allow it', async () => {
    const wallet = await started({ holders });
    const request = wallet.request({ id: 'one-denies' });
    refuse(wallet, ['one'], 'PolicyDenied');
    wallet.network.cut('infrastructure', 'two');
    expect(await wallet.sign('infrastructure', request)).toMatchObject({
      outcome: 'failed',
      reason: 'QuorumUnavailable',
      waitsFor: ['two'],
      message: expect.stringContaining('because'),
    });
    wallet.network.heal('infrastructure', 'two');
    await wallet.joined('infrastructure', 'two');
    expect(await wallet.sign('infrastructure', request)).toMatchObject({
      outcome: 'signed',
      participants: ['infrastructure', 'two'],
    });
  });

  it('of every quorum is one of the wallet', async () => {
    const wallet = await started({ holders });
    refuse(wallet, ['one', 'two'], 'PolicyDenied');
    const request = wallet.request({ id: 'all-deny' });
    const reply = await wallet.sign('infrastructure', request);
    expect(reply).toMatchObject({ outcome: 'denied', reason: 'PolicyDenied', rule: 'theirs', waitsFor: [] });
    wallet.network.onSend = () => true;
    expect(await wallet.sign('infrastructure', request)).toMatchObject({ outcome: 'denied', reason: 'PolicyDenied' });
    // What it was is in the audit; its bytes would only fill the disk.
    expect(wallet.disk('infrastructure').requests.get(reply.digest)).toMatchObject({
      state: 'Denied',
      statement: new Uint8Array(),
      signature: '',
    });
    expect(wallet.disk('infrastructure').ledger.size).toBe(0);
  });

  it('for a reason that nobody knows is a failure', async () => {
    const wallet = await started();
    refuse(wallet, ['client'], 'constructor');
    expect(await wallet.sign('infrastructure', wallet.request({ id: 'odd' }))).toMatchObject({
      outcome: 'failed',
      reason: 'Internal',
    });
  });
});
