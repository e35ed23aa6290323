import { describe, expect, it, vi } from 'vitest';
import { parseStatement } from '../../statement/statements.ts';
import { fastClock } from '../../test/simulation/fast-clock.ts';
import { SimulatedWallet, type SimulatedHolder } from '../../test/simulation/simulated-wallet.ts';
import type { PeerBody } from '../peers/peers.ts';

const policy = { rules: [{ name: 'raw', verdict: 'Allow', match: { kinds: ['Digest'] } }] };
const keys = [{ name: 'ethereum', scheme: 'ECDSA' as const }];
const data = `0x${'07'.repeat(32)}`;

const five: readonly SimulatedHolder[] = [
  { name: 'east', role: 'Infrastructure' },
  { name: 'west', role: 'Infrastructure' },
  { name: 'one', role: 'Client' },
  { name: 'two', role: 'Client' },
  { name: 'safe', role: 'Backup' },
];

/** Links of whom it is of are open and the key can be used everywhere. */
async function ready(
  options: Partial<ConstructorParameters<typeof SimulatedWallet>[0]> = {},
): Promise<SimulatedWallet> {
  const wallet = new SimulatedWallet({ policy, ...options });
  await wallet.startAll(keys);
  await wallet.keyActive('ethereum');
  return wallet;
}

const request = (wallet: SimulatedWallet, id: string) => wallet.request({ id, key: 'ethereum', data });

describe('an ECDSA key', () => {
  it.each([
    ['2 of 3', undefined, 2, 3],
    ['3 of 5', five, 3, 4],
  ] as const)(
    '%s is certified with its chain code once every pair signed, and signs',
    async (_, holders, threshold, quorums) => {
      const steps = new Set<string>();
      const wallet = new SimulatedWallet({ policy, threshold, ...(holders && { holders }) });
      wallet.network.onSend = (from, to, body) => {
        if (body.$case === 'keygenTestStep') steps.add([from, to].toSorted().join(' '));
        return true;
      };
      await wallet.startAll(keys);
      await wallet.keyActive('ethereum');
      const n = wallet.holders.length;
      expect(steps.size).toBe((n * (n - 1)) / 2);
      const [found] = wallet.signer(wallet.holders[0]!.name).facts().certificates;
      const certificate = parseStatement('holdfast/certificate/v1', found?.statement ?? new Uint8Array());
      expect(certificate).toMatchObject({ scheme: 'ECDSA', internalKey: '' });
      expect(certificate.publicKey).toHaveLength(66);
      expect(certificate.chainCode).toHaveLength(64);
      const reply = await wallet.sign(wallet.holders[0]!.name, request(wallet, 'one'));
      expect(reply).toMatchObject({ outcome: 'signed' });
      expect(reply.participants).toHaveLength(threshold);
      expect(reply.signatures[0]?.signature).toHaveLength(65);
      expect(quorums).toBeGreaterThan(0);
    },
  );

  it('sends no share before the spend is on disk, and writes none where a step never comes', async () => {
    const wallet = await ready({ clock: fastClock(20) });
    wallet.network.onSend = (from, _to, body) =>
      !(from === 'infrastructure' && body.$case === 'signStep' && body.value.step === 2);
    const one = request(wallet, 'one');
    const reply = await wallet.sign('infrastructure', one);
    expect(reply.outcome).toBe('failed');
    expect(wallet.disk('client').releases).toEqual([]);
    expect([...wallet.disk('client').ledger.values()]).toEqual([]);
    wallet.network.onSend = () => true;
    const again = await wallet.sign('infrastructure', one);
    expect(again, again.message).toMatchObject({ outcome: 'signed' });
  });
});

describe('children of an ECDSA key', () => {
  it('sign each within its own limit, whoever coordinates and after restarts', async () => {
    const limits = [{ count: 1, per: '24h', scope: 'Path' }];
    const match = { kinds: ['Digest'], paths: ['m/0/*'] };
    const wallet = await ready({ policy: { rules: [{ name: 'customers', verdict: 'Allow', match, limits }] } });
    const sign = async (id: string, path: string): Promise<string> => {
      const { outcome, reason } = await wallet.sign(
        'infrastructure',
        wallet.request({ id, key: 'ethereum', path, data }),
      );
      return outcome === 'signed' ? outcome : reason;
    };
    expect(await sign('one', 'm/0/1')).toBe('signed');
    expect(await sign('two', 'm/0/1')).toBe('LimitExceeded');
    expect(await sign('three', 'm/0/2')).toBe('signed');
    expect(await sign('four', 'm/1/1')).toBe('PolicyDenied');
    expect(await sign('five', '')).toBe('PolicyDenied');
    for (const name of ['infrastructure', 'client']) {
      wallet.kill(name);
      await wallet.start(name, keys);
    }
    await wallet.joined('infrastructure', 'client');
    await vi.waitUntil(() => wallet.signer('infrastructure').wallet?.wallet.key('ethereum') !== undefined);
    expect(await sign('six', 'm/0/2')).toBe('LimitExceeded');
    expect(await sign('seven', 'm/0/3')).toBe('signed');
    expect(wallet.signer('client').wallet?.limitUse()).toMatchObject([{ rule: 'customers', ratio: 1 }]);
  });
});

/** Changes a step's payload on its way. */
const falsify = (from: string, to: string, step: number) => (sender: string, receiver: string, body: PeerBody) =>
  sender === from && receiver === to && body.$case === 'signStep' && body.value.step === step
    ? { ...body, value: { ...body.value, payload: Uint8Array.from(body.value.payload, (b) => b ^ 1) } }
    : true;

describe('a ban', () => {
  it.each([
    ['client', 'infrastructure', 1],
    ['client', 'infrastructure', 2],
    ['infrastructure', 'client', 1],
    ['infrastructure', 'client', 2],
  ] as const)('follows a wrong message of %s to %s in step %i, for good', async (from, to, step) => {
    const wallet = await ready({ clock: fastClock(20) });
    wallet.network.onSend = falsify(from, to, step);
    const first = await wallet.sign('infrastructure', request(wallet, 'one'));
    expect(first.outcome).toBe('failed');
    expect(first.message).toContain(`${to} never signs with ${from} under key ethereum again`);
    expect([...wallet.disk(to).bans.values()]).toMatchObject([{ key: 'ethereum', peer: from }]);
    expect(wallet.disk(to).audit.some(({ record }) => Buffer.from(record).includes('CounterpartyBanned'))).toBe(true);
    wallet.network.onSend = () => true;
    // Nothing but that ban is in the way, also after restarts.
    for (const name of ['infrastructure', 'client']) {
      wallet.kill(name);
      await wallet.start(name, keys);
    }
    await wallet.joined('infrastructure', 'client');
    await vi.waitUntil(() => wallet.signer('infrastructure').wallet?.wallet.key('ethereum') !== undefined);
    const again = await wallet.sign('infrastructure', request(wallet, 'two'));
    expect(again).toMatchObject({ outcome: 'failed' });
    expect(again.message).toContain(`${to} never signs with ${from} under key ethereum again`);
    // In the last step a share has left, or the spend was on its way to disk while it was computed.
    expect(wallet.disk('client').releases).toHaveLength(step === 1 ? 0 : 1);
  });

  it('leaves the other quorums, and the other keys of the two', async () => {
    const wallet = new SimulatedWallet({ policy, holders: five, threshold: 3, clock: fastClock(20) });
    const both = [...keys, { name: 'solana', scheme: 'EdDSA' as const }];
    await wallet.startAll(both);
    await wallet.keyActive('ethereum');
    await wallet.keyActive('solana');
    wallet.network.onSend = falsify('west', 'east', 1);
    const reply = await wallet.sign('east', request(wallet, 'one'));
    expect(reply).toMatchObject({ outcome: 'signed' });
    expect(reply.participants).not.toContain('west');
    wallet.kill('one');
    wallet.kill('two');
    wallet.network.onSend = () => true;
    expect((await wallet.sign('east', request(wallet, 'two'))).message).toContain('east never signs with west');
    await wallet.start('one', both);
    await wallet.joined('east', 'one');
    const solana = await wallet.sign('east', wallet.request({ id: 'three', key: 'solana', data }));
    expect(solana).toMatchObject({ outcome: 'signed' });
    expect(solana.participants).toContain('west');
  });

  it('between two other members leaves the rest to sign, with either of them', async () => {
    const wallet = new SimulatedWallet({ policy, holders: five, threshold: 3, clock: fastClock(20) });
    await wallet.startAll(keys);
    await wallet.keyActive('ethereum');
    wallet.network.onSend = falsify('one', 'west', 1);
    // The quorum that comes first has both of them.
    const reply = await wallet.sign('east', request(wallet, 'one'));
    expect(reply, reply.message).toMatchObject({ outcome: 'signed' });
    expect([...wallet.disk('west').bans.values()]).toMatchObject([{ peer: 'one' }]);
    for (const away of ['west', 'one']) {
      wallet.network.cut('east', away);
      const without = await wallet.sign('east', request(wallet, `without ${away}`.replace(' ', '-')));
      expect(without, without.message).toMatchObject({ outcome: 'signed' });
      expect(without.participants).not.toContain(away);
      wallet.network.heal('east', away);
      await wallet.joined('east', away);
    }
    wallet.network.cut('east', 'two');
    expect((await wallet.sign('east', request(wallet, 'none'))).message).toContain('west and one never sign together');
  });

  it('that leaves a coordinator no quorum leaves the request to another', async () => {
    const wallet = new SimulatedWallet({ policy, holders: five, threshold: 3, clock: fastClock(20) });
    await wallet.startAll(keys);
    await wallet.keyActive('ethereum');
    wallet.network.onSend = (from, to, body) =>
      from === 'east' && to !== 'two' ? falsify('east', to, 1)(from, to, body) : true;
    const reply = await wallet.sign('two', request(wallet, 'one'));
    expect(reply, reply.message).toMatchObject({ outcome: 'signed', coordinator: 'west' });
    expect(reply.participants).toEqual(['west', 'one', 'two']);
  });

  it('ends all that is under way between the two', async () => {
    const wallet = await ready({ clock: fastClock(20) });
    let wrong = 0;
    const shares: PeerBody[] = [];
    wallet.network.onSend = (from, to, body) => {
      if (body.$case === 'signShares') shares.push(body);
      // The others' second steps come after the wrong one.
      if (from === 'infrastructure' && body.$case === 'signStep' && body.value.step === 2 && wrong === 0) return 'held';
      return from === 'infrastructure' && body.$case === 'signStep' && body.value.step === 1 && ++wrong === 4
        ? falsify('infrastructure', to, 1)(from, to, body)
        : true;
    };
    const replies = await Promise.all(
      ['one', 'two', 'three', 'four'].map((id) => wallet.sign('infrastructure', request(wallet, id))),
    );
    expect(replies.map(({ outcome }) => outcome)).toEqual(['failed', 'failed', 'failed', 'failed']);
    expect(wallet.disk('client').bans.size).toBe(1);
    expect(shares).toEqual([]);
  });

  it('is on disk before anything of it is seen', async () => {
    const wallet = await ready({ clock: fastClock(20) });
    const refusals: number[] = [];
    const falsified = falsify('infrastructure', 'client', 1);
    wallet.network.onSend = (from, to, body) => {
      if (from === 'client' && body.$case === 'refusal') refusals.push(wallet.disk('client').bans.size);
      return falsified(from, to, body);
    };
    await wallet.sign('infrastructure', request(wallet, 'one'));
    expect(refusals[0]).toBe(1);
  });
});

it.each([
  ['client', 'infrastructure'],
  ['infrastructure', 'client'],
] as const)('a malformed step of %s leaves it out at %s, on disk', async (from, to) => {
  const wallet = await ready({ clock: fastClock(20) });
  wallet.network.onSend = (sender, receiver, body) =>
    sender === from && receiver === to && body.$case === 'signStep'
      ? { ...body, value: { ...body.value, payload: body.value.payload.slice(1) } }
      : true;
  const reply = await wallet.sign('infrastructure', request(wallet, 'one'));
  expect(reply.message).toContain(`${from} is left out since a check failed`);
  expect(wallet.disk(to).peers.get(from)?.fenced).toContain('malformed');
  wallet.network.onSend = () => true;
  expect((await wallet.sign('infrastructure', request(wallet, 'two'))).message).toContain(`${from} is left out`);
});

it('a failure that has no name counts, and the third leaves its suspects out', async () => {
  const wallet = await ready({ clock: fastClock(20) });
  wallet.network.onSend = (from, _to, body) =>
    from === 'client' && body.$case === 'signShares'
      ? { ...body, value: { ...body.value, shares: body.value.shares.map((s) => Uint8Array.from(s, (b) => b ^ 1)) } }
      : true;
  for (const id of ['one', 'two']) {
    expect(await wallet.sign('infrastructure', request(wallet, id))).toMatchObject({ reason: 'SignatureMayExist' });
    wallet.kill('infrastructure');
    await wallet.start('infrastructure', keys);
    await wallet.joined('infrastructure', 'client');
    await vi.waitUntil(() => wallet.signer('infrastructure').wallet?.wallet.key('ethereum') !== undefined);
  }
  expect(wallet.disk('infrastructure').peers.get('client')).toMatchObject({ strikes: 2, fenced: '' });
  await wallet.sign('infrastructure', request(wallet, 'three'));
  expect(wallet.disk('infrastructure').peers.get('client')?.fenced).toContain('3 failures');
});
