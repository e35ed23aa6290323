import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { digest as digestOf } from '../../common/bytes.ts';
import { formatTime } from '../../common/clock.ts';
import type { Commitment, SignRound } from '../../proto/gen/signer/v1/peer.ts';
import type { SignRequest } from '../../proto/gen/signer/v1/signer.ts';
import { SimulatedWallet } from '../../test/simulation/simulated-wallet.ts';
import type { Change } from '../state/store.ts';
import { sessionId } from './session.ts';

const keys = [{ name: 'solana', scheme: 'EdDSA' as const }];
const limited = (count: number) => ({
  rules: [{ name: 'raw', verdict: 'Allow', match: { kinds: ['Digest'] }, limits: [{ count, per: '1h' }] }],
});
const digestData = (byte: number): string => `0x${byte.toString(16).padStart(2, '0').repeat(32)}`;
const turns = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
const usedAt = (wallet: SimulatedWallet, name: string): number | undefined =>
  wallet.signer(name).wallet?.limitUse()[0]?.ratio;

describe('a limit at a holder', () => {
  it('holds where rounds for one request come together and only some of them can be written', async () => {
    const wallet = new SimulatedWallet({ policy: limited(2) });
    const ready: Commitment[] = [];
    let boot = new Uint8Array();
    let round: SignRound | undefined;
    let shares = 0;
    wallet.network.onSend = (from, to, body) => {
      if (from === 'client' && body.$case === 'signShares') shares++;
      if (to === 'client' && body.$case === 'signRound') round = body.value;
      if (from !== 'client' || to !== 'infrastructure' || body.$case !== 'commitments') return true;
      boot = Uint8Array.from(body.value.boot);
      ready.push(...body.value.commitments);
      return true;
    };
    await wallet.startAll(keys);
    await wallet.keyActive('solana');
    await wallet.sign('infrastructure', wallet.request({ id: 'honest', data: digestData(0) }));
    expect(shares).toBe(1);
    const { genesisDigest, policyDigest } = wallet.signer('client').wallet?.wallet ?? {};
    // A coordinator that is taken over, with true keys: the same request in two sessions at once.
    const forged = (request: SignRequest): SignRound => {
      const mine = { holder: 'infrastructure', boot: randomBytes(16), index: 1n };
      const theirs = { holder: 'client', boot, ...(ready.pop() as Commitment) };
      const points = { hiding: new Uint8Array(32), binding: new Uint8Array(32) };
      const inputs = [{ contributions: [{ ...mine, ...points }, theirs] }];
      const quorum = ['infrastructure', 'client'];
      const binding = { genesis: genesisDigest ?? '', policy: policyDigest ?? '', key: 'solana', epoch: '0' };
      const session = sessionId({ ...binding, request: digestOf(request.statement), quorum, inputs });
      return { ...(round as SignRound), session, request, inputs, time: formatTime(Date.now()) };
    };
    const store = wallet.store('client');
    const write = store.write.bind(store);
    let writes = 0;
    store.write = async (change: Change) => {
      if ((change.nonces ?? []).length > 0 && writes++ % 2 === 1) throw new Error('too many changes wait for the disk');
      await turns(2);
      return write(change);
    };
    for (let i = 1; i <= 6; i++) {
      const request = wallet.request({ id: `forged-${i}`, data: digestData(i) });
      for (const value of [forged(request), forged(request)])
        wallet.network.forge('infrastructure', 'client', { $case: 'signRound', value });
      await turns(10);
    }
    expect(shares).toBe(2);
    expect(usedAt(wallet, 'client')).toBe(1);
  });

  it('counts what was signed elsewhere while its own session for the same request died', async () => {
    const wallet = new SimulatedWallet({
      policy: limited(10),
      holders: [
        { name: 'east', role: 'Infrastructure' },
        { name: 'west', role: 'Infrastructure' },
        { name: 'backup', role: 'Backup' },
      ],
    });
    await wallet.startAll(keys);
    await wallet.keyActive('solana');
    const request = wallet.request({ id: 'both', data: digestData(1) });
    const refuse = (session: Uint8Array): void => {
      const value = { session, reason: 'NonceUnknown', message: '', rule: '' };
      setImmediate(() => wallet.network.forge('east', 'west', { $case: 'refusal', value }));
    };
    const { promise, resolve } = Promise.withResolvers<string>();
    let rounds = 0;
    wallet.network.onSend = (from, _to, body) => {
      if (from !== 'west' || body.$case !== 'signRound') return true;
      const { session } = body.value;
      rounds++;
      if (rounds === 1) refuse(session);
      if (rounds === 2) {
        // West's second try ends while it takes part in east's.
        wallet.network.onSend = (_from, to, other) => {
          if (to === 'west' && other.$case === 'signRound') queueMicrotask(() => refuse(session));
          return true;
        };
        void wallet.sign('east', request).then((reply) => resolve(reply.outcome));
      }
      return { $case: 'heartbeat', value: { stamp: 0n, answer: true } };
    };
    wallet.network.forge('east', 'west', { $case: 'forward', value: { correlation: 1n, request } });
    expect(await promise).toBe('signed');
    await turns(20);
    for (const name of ['east', 'west']) expect(usedAt(wallet, name), name).toBe(0.1);
  });
});

describe('an id whose request waits for commitments while a spend of other bytes under it is learnt', () => {
  /** The client's commitments are lost until `deliver`, so that the request is claimed and nowhere on disk. */
  async function waiting() {
    const wallet = new SimulatedWallet({ policy: limited(10) });
    let lost = true;
    wallet.network.onSend = (from, _to, { $case }) =>
      lost && from === 'client' && $case === 'commitments' ? 'held' : true;
    await wallet.startAll(keys);
    await wallet.keyActive('solana');
    const [first, second] = [1, 2].map((byte) => wallet.request({ id: 'same', data: digestData(byte) }));
    if (first === undefined || second === undefined) throw new Error('unreachable');
    const answer = wallet.sign('infrastructure', first);
    await turns(20);
    const value = { sequence: 1n, ...second, policyDigest: '', rule: '', time: formatTime(Date.now()) };
    wallet.network.forge('backup', 'infrastructure', { $case: 'spend', value });
    await expect.poll(() => usedAt(wallet, 'infrastructure')).toBe(0.2);
    const deliver = (): void => {
      lost = false;
    };
    return { wallet, answer, first, second, deliver };
  }

  it('stays that request’s, and both count', async () => {
    const { wallet, answer, first, second, deliver } = await waiting();
    deliver();
    expect((await answer).outcome).toBe('signed');
    expect([...wallet.disk('infrastructure').requests.keys()]).toEqual([digestOf(first.statement)]);
    expect(usedAt(wallet, 'infrastructure')).toBe(0.2);
    expect((await wallet.sign('infrastructure', second)).reason).toBe('IdReused');
  });

  it('is free again where that request leaves nothing, and the learnt one is never called failed', async () => {
    const { wallet, answer, first, second, deliver } = await waiting();
    const store = wallet.store('infrastructure');
    const write = store.write.bind(store);
    const digest = digestOf(first.statement);
    store.write = async (change) => {
      if (change.requests?.some((row) => row.digest === digest)) throw new Error('disk full');
      return write(change);
    };
    wallet.network.onSend = (from, _to, body) => {
      if (from !== 'infrastructure' || body.$case !== 'signRound') return true;
      const value = { session: body.value.session, reason: 'NonceUnknown', message: '', rule: '' };
      setImmediate(() => wallet.network.forge('client', 'infrastructure', { $case: 'refusal', value }));
      return 'held';
    };
    deliver();
    expect((await answer).reason).toBe('Internal');
    expect((await wallet.sign('infrastructure', second)).reason).toBe('SignatureMayExist');
  });
});
