import { expect, it } from 'vitest';
import type { SignReply } from '../../proto/gen/signer/v1/signer.ts';
import { Dice } from './dice.ts';
import { SimulatedWallet, threeHolders, type SimulatedHolder } from './simulated-wallet.ts';
import { VirtualWorld } from './virtual-world.ts';

const oneWay = 50;
const anyDigest = { rules: [{ name: 'any', verdict: 'Allow', match: { kinds: ['Digest'] } }] };
const schemes = [
  ['solana', 'EdDSA'],
  ['bitcoin', 'Schnorr'],
] as const;

/** Disks and arithmetic take no time; every message takes {@link oneWay} milliseconds. */
class FarWorld extends VirtualWorld {
  override later(_actor: string, way: string, run: () => void): void {
    this.at(way.includes('>') ? oneWay : 0, run);
  }
}

const fiveHolders: readonly SimulatedHolder[] = ['one', 'two', 'three', 'four', 'five'].map((name, i) => ({
  name,
  role: i === 0 ? 'Infrastructure' : i === 4 ? 'Backup' : 'Client',
}));

/** A wallet whose keys are active and whose commitments are delivered, and what is sent from now on, by kind. */
async function farWallet(holders: readonly SimulatedHolder[], threshold: number) {
  const world = new FarWorld(new Dice(1));
  const wallet = new SimulatedWallet({ world, holders, threshold, policy: anyDigest });
  const started = wallet.startAll(schemes.map(([name, scheme]) => ({ name, scheme })));
  const active = (): boolean =>
    holders.every(({ name }) => wallet.running(name) && wallet.signer(name).describe().keys.length === 2) &&
    holders.every(({ name }) =>
      wallet
        .signer(name)
        .describe()
        .keys.every(({ state }) => state === 'Active'),
    );
  expect(await world.until(active, 60_000)).toBe(true);
  await started;
  await world.pass(1_000);
  const sent: Record<string, number> = {};
  wallet.network.onSend = (_from, _to, { $case }) => {
    sent[$case] = (sent[$case] ?? 0) + 1;
    return true;
  };
  return { world, wallet, coordinator: holders[0]?.name ?? '', sent };
}

it.each(
  schemes.flatMap(([key, scheme]) => [
    { key, scheme, holders: threeHolders, threshold: 2 },
    { key, scheme, holders: fiveHolders, threshold: 3 },
  ]),
)('a signature takes one round trip: $scheme, $threshold of $holders.length', async ({ key, holders, threshold }) => {
  const { world, wallet, coordinator, sent } = await farWallet(holders, threshold);
  const start = world.elapsed;
  let reply: SignReply | undefined;
  let when = 0;
  void wallet.sign(coordinator, wallet.request({ id: 'a', key })).then((answer) => {
    [reply, when] = [answer, world.elapsed];
  });
  // Half of it is over when members are asked, and all when they have answered.
  expect(await world.until(() => sent['signShares'] !== undefined, 10_000)).toBe(true);
  expect([sent['signRound'], world.elapsed - start]).toEqual([threshold - 1, oneWay]);
  expect(await world.until(() => reply !== undefined, 10_000)).toBe(true);
  expect(reply).toMatchObject({ outcome: 'signed', reason: '' });
  expect(when - start).toBe(2 * oneWay);
  expect([sent['signRound'], sent['signShares']]).toEqual([threshold - 1, threshold - 1]);
});

it.each(schemes)('of %s (%s), 32 in flight never wait for commitments', async (key) => {
  const { world, wallet, coordinator, sent } = await farWallet(threeHolders, 2);
  const [inFlight, rounds] = [32, 6];
  const start = world.elapsed;
  let [signed, last] = [0, 0];
  const one = async (worker: number): Promise<void> => {
    for (let i = 0; i < rounds; i++) {
      const { outcome } = await wallet.sign(coordinator, wallet.request({ id: `${worker}-${i}`, key }));
      if (outcome === 'signed') signed++;
      last = world.elapsed;
    }
  };
  const all = Promise.all(Array.from({ length: inFlight }, (_, worker) => one(worker)));
  await world.until(() => signed === inFlight * rounds, 60_000);
  await all;
  expect(signed).toBe(inFlight * rounds);
  expect(last - start).toBe(rounds * 2 * oneWay);
  expect([sent['signRound'], sent['signShares'], sent['refusal']]).toEqual([signed, signed, undefined]);
});
