import { describe, expect, it } from 'vitest';
import { digest as digestOf } from '../../common/bytes.ts';
import { formatTime } from '../../common/clock.ts';
import type { SignRequest } from '../../proto/gen/signer/v1/signer.ts';
import { SimulatedWallet } from '../../test/simulation/simulated-wallet.ts';
import { toyScheme } from '../../test/simulation/toy-scheme.ts';
import type { PeerBody } from '../peers/peers.ts';

const DAY = 86_400_000;
const policy = { rules: [{ name: 'raw', verdict: 'Allow', match: { kinds: ['Digest'] } }] };

type Started = { readonly wallet: SimulatedWallet; readonly verified: () => number };

/** A wallet of one client and two that coordinate, and how often any of them has verified a signature since. */
async function started(): Promise<Started> {
  let count = 0;
  const wallet = new SimulatedWallet({
    policy,
    holders: [
      { name: 'east', role: 'Infrastructure' },
      { name: 'west', role: 'Infrastructure' },
      { name: 'client', role: 'Client' },
    ],
    scheme: (name) => {
      const scheme = toyScheme(name);
      return {
        ...scheme,
        verify: (...signed) => {
          count++;
          return scheme.verify(...signed);
        },
      };
    },
  });
  await wallet.startAll([{ name: 'solana', scheme: 'EdDSA' }]);
  await wallet.keyActive('solana');
  count = 0;
  return { wallet, verified: () => count };
}

const data = (n: number): string => `0x${n.toString(16).padStart(64, '0')}`;

const outcome = ({ statement, signature }: SignRequest, signatures: Uint8Array[]): PeerBody => ({
  $case: 'outcome',
  value: { statement, signature, policyDigest: '', participants: [], signatures },
});

/** Signs `request` without `to` hearing of the signature, and gives what it would have heard. */
async function unheard(wallet: SimulatedWallet, to: string, request: SignRequest): Promise<PeerBody> {
  wallet.network.onSend = (_from, at, body) =>
    body.$case === 'outcome' && at === to ? { $case: 'heartbeat', value: { stamp: 0n, answer: true } } : true;
  const { digest, signatures } = await wallet.sign('east', request);
  const west = (): string | undefined => wallet.disk('west').requests.get(digest)?.state;
  await expect.poll(west, { interval: 5 }).toBe(to === 'west' ? 'Released' : 'Signed');
  wallet.network.onSend = () => true;
  return outcome(
    request,
    signatures.map((s) => s.signature),
  );
}

describe('outcomes that others tell', () => {
  it('are verified once, whoever tells them again', async () => {
    const { wallet, verified } = await started();
    const told = await unheard(wallet, 'client', wallet.request({ id: 'once' }));
    const before = verified();
    const state = (): string | undefined => [...wallet.disk('client').requests.values()][0]?.state;
    for (let i = 0; i < 20; i++) wallet.network.forge('east', 'client', told);
    await expect.poll(state).toBe('Signed');
    for (let i = 0; i < 20; i++) wallet.network.forge('west', 'client', told);
    // Whatever of it waited for its turn has had it when another of the same peer is kept.
    const next = await unheard(wallet, 'client', wallet.request({ id: 'next', data: data(1) }));
    const between = verified();
    wallet.network.forge('east', 'client', next);
    await expect
      .poll(() => [...wallet.disk('client').requests.values()].map((r) => r.state))
      .toEqual(['Signed', 'Signed']);
    expect([between - before, verified() - between]).toEqual([3, 1]);
  });

  it('are told to every holder, but of many at once only to those that are asked for them next', async () => {
    const { wallet } = await started();
    const told = { west: 0, client: 0 };
    wallet.network.onSend = (_from, to, { $case }) => {
      if ($case === 'outcome' && (to === 'west' || to === 'client')) told[to]++;
      return true;
    };
    const began = wallet.clock.monotonic();
    // Few enough at a time that no quorum has to do without west.
    for (let i = 0; i < 120; i += 20) {
      const requests = Array.from({ length: 20 }, (_, j) => wallet.request({ id: `many-${i + j}`, data: data(i + j) }));
      const replies = await Promise.all(requests.map((request) => wallet.sign('east', request)));
      for (const reply of replies) expect(reply).toMatchObject({ outcome: 'signed', participants: ['east', 'west'] });
    }
    await expect.poll(() => told.west, { interval: 5 }).toBe(120);
    const seconds = (wallet.clock.monotonic() - began) / 1000;
    expect(told.client).toBeGreaterThanOrEqual(64);
    expect(told.client).toBeLessThanOrEqual(Math.min(120, 65 + 2 * seconds));
  });

  it('take no time of others: those of one peer wait for each other, and a wrong one for long', async () => {
    const { wallet, verified } = await started();
    const told = await unheard(wallet, 'client', wallet.request({ id: 'true' }));
    const before = verified();
    const wrong = [new Uint8Array(64)];
    for (let i = 0; i < 500; i++)
      wallet.network.forge('west', 'client', outcome(wallet.request({ id: `wrong-${i}`, data: data(i) }), wrong));
    expect(verified()).toBe(before + 1);
    wallet.network.forge('east', 'client', told);
    expect(verified()).toBe(before + 2);
    await expect
      .poll(() => [...wallet.disk('client').requests.values()].some((r) => r.state === 'Signed' && r.id === 'true'))
      .toBe(true);
    expect(wallet.disk('client').requests.size).toBe(1);
  });

  it('are all kept where a peer tells several at once, and what is over its queue when it is asked for', async () => {
    const { wallet } = await started();
    const requests = Array.from({ length: 70 }, (_, i) => wallet.request({ id: `r${i}`, data: data(i) }));
    const told: PeerBody[] = [];
    for (const request of requests) told.push(await unheard(wallet, 'west', request));
    for (const body of told) wallet.network.forge('east', 'west', body);
    const signed = (): number => [...wallet.disk('west').requests.values()].filter((r) => r.state === 'Signed').length;
    await expect.poll(signed).toBe(65);
    // The last of them came on top of a full queue.
    const [last] = requests.slice(-1) as [SignRequest];
    wallet.kill('east');
    expect(wallet.disk('west').requests.get(digestOf(last.statement))?.state).toBe('Released');
    wallet.network.forge('client', 'west', told.at(-1) as PeerBody);
    await expect.poll(signed).toBe(66);
  });

  it('count for nothing where the request could not have been signed or is long over', async () => {
    const { wallet, verified } = await started();
    const before = verified();
    for (const expiresAt of ['2099-01-01T00:00:00Z', formatTime(Date.now() - 32 * DAY)])
      for (const from of ['east', 'west'])
        wallet.network.forge(
          from,
          'client',
          outcome(wallet.request({ id: 'out-of-time', expiresAt }), [new Uint8Array(64)]),
        );
    await wallet.sign('east', wallet.request({ id: 'in-time' }));
    await expect.poll(() => wallet.disk('client').requests.size).toBe(1);
    expect(verified()).toBeGreaterThan(before);
    expect([...wallet.disk('client').requests.values()]).toMatchObject([{ id: 'in-time' }]);
  });
});
