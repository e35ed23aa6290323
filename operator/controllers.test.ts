import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../common/clock.ts';
import { silentLog } from '../common/log.ts';
import { conditionOf } from './api/conditions.ts';
import { keyOf } from './api/resource.ts';
import type { Resource, Signer, Wallet } from './api/resource.ts';
import { runControllers } from './controllers.ts';
import type { SignerId, SignerSpec } from './fleet/fleet.ts';
import { identityOf } from './operator-identity.ts';
import { operatorMetrics } from './operator-metrics.ts';
import { Reach } from './reach.ts';
import { MemoryStore } from './testing/memory-store.ts';
import { observation } from './testing/holder-states.ts';
import { aSigner, aWallet } from './testing/objects.ts';

const identity = identityOf(generateKeyPairSync('ed25519').privateKey);
const client: SignerId = { wallet: 'payments/treasury', holder: 'client' };

/** What an operator makes of the Signer of a client in `acme`, of whom it finds a signer, or of the first object that it works for. */
async function worked(reach: Reach, ...objects: readonly Resource[]) {
  const signer = aSigner('client', { meta: { namespace: 'acme' } });
  const store = new MemoryStore(signer, ...objects);
  const removed: SignerId[] = [];
  const ensured: SignerSpec[] = [];
  const stop = new AbortController();
  const ended = runControllers({
    store,
    fleet: {
      ensure: async (spec) => void ensured.push(spec),
      observe: async () => observation('client', { running: false, reason: 'Starting' }),
      remove: async (id) => void removed.push(id),
      list: async () => [client],
    },
    identity,
    cursors: { get: () => undefined, set: () => {} },
    connections: { republishMs: Infinity, publish: async () => {}, withdraw: async () => {} },
    sharedMachine: false,
    reach,
    meter: operatorMetrics().meter,
    clock: systemClock,
    log: silentLog,
    signal: stop.signal,
  });
  const ready = async () => {
    const own = [...store.objects.values()].find(({ metadata }) => reach.worksFor(metadata.namespace));
    return conditionOf((own as Signer | Wallet | undefined)?.status?.conditions, 'Ready');
  };
  await expect.poll(ready).toBeDefined();
  // All that was found at the start has been looked at by then.
  await new Promise((resolve) => setTimeout(resolve, 50));
  stop.abort();
  await ended;
  return { removed, ensured, store, ready: await ready() };
}

it('stops a signer whose Wallet is gone', async () => {
  const { removed, ready } = await worked(new Reach());
  expect(removed).toContainEqual(client);
  expect(ready).toMatchObject({ status: 'False', reason: 'WalletNotFound' });
});

it('stops no signer whose Wallet it cannot see, and says so', async () => {
  const { removed, ready } = await worked(new Reach(['acme']));
  expect(removed).toEqual([]);
  expect(ready).toMatchObject({
    status: 'Unknown',
    reason: 'WalletNotSeen',
    message: expect.stringContaining('does not see payments'),
  });
});

describe('a wallet of another operator', () => {
  const wallet = aWallet({
    holders: [
      { name: 'infrastructure', role: 'Infrastructure' },
      { name: 'client', role: 'Client', namespace: 'acme' },
    ],
  });
  const theirs = [wallet, aSigner('infrastructure')];
  const payments = (fingerprint: string) => ({
    namespaces: ['payments'],
    fingerprint,
    pods: { namespace: 'custody', labels: {} },
  });

  it('has the signers of its holders here run for that operator, and is otherwise only read', async () => {
    const fingerprint = `sha256:${'1'.repeat(64)}`;
    const { removed, ensured, store, ready } = await worked(new Reach(['acme'], [payments(fingerprint)]), ...theirs);
    expect(ready?.reason).toBe('Starting');
    expect(ensured.map(({ holder, operator }) => [holder, operator])).toContainEqual(['client', fingerprint]);
    expect(ensured.every(({ holder }) => holder === 'client')).toBe(true);
    expect(removed).toEqual([]);
    for (const object of theirs) expect(await store.get(keyOf(object))).toEqual(object);
  });

  it('has no signer started as long as it is not known who that is', async () => {
    const { removed, ensured, ready } = await worked(new Reach(['acme'], [payments('')]), ...theirs);
    expect([removed, ensured]).toEqual([[], []]);
    expect(ready).toMatchObject({ status: 'False', reason: 'OperatorUnknown' });
  });

  it('that is gone has its signers here stopped', async () => {
    const { removed, ready } = await worked(new Reach(['acme'], [payments('')]));
    expect(ready?.reason).toBe('WalletNotFound');
    expect(removed).toContainEqual(client);
  });
});

it('has the signers of its own wallets run for itself', async () => {
  const wallet = aWallet({ holders: [{ name: 'client', role: 'Infrastructure', namespace: 'acme' }] });
  const { ensured } = await worked(new Reach(['acme', 'payments']), wallet);
  expect(ensured.map(({ operator }) => operator)).toContain(identity.fingerprint);
});

it('says of a holder in a namespace that it does not see that it cannot know', async () => {
  const wallet = aWallet({ holders: [{ name: 'infrastructure', role: 'Infrastructure', namespace: 'acme' }] });
  const { ready } = await worked(new Reach(['payments']), wallet);
  expect(ready).toMatchObject({
    reason: 'WaitingForHolder',
    message: expect.stringContaining('does not see namespace acme of infrastructure'),
  });
});
