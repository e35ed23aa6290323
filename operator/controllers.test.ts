import { generateKeyPairSync } from 'node:crypto';
import { expect, it } from 'vitest';
import { systemClock } from '../common/clock.ts';
import { silentLog } from '../common/log.ts';
import { conditionOf } from './api/conditions.ts';
import { runControllers } from './controllers.ts';
import type { SignerId } from './fleet/fleet.ts';
import { identityOf } from './operator-identity.ts';
import { operatorMetrics } from './operator-metrics.ts';
import { MemoryStore } from './testing/memory-store.ts';
import { observation } from './testing/holder-states.ts';
import { aSigner } from './testing/objects.ts';

const client: SignerId = { wallet: 'payments/treasury', holder: 'client' };

/** What an operator stops that finds a signer and the Signer of it, and no Wallet. */
async function stopped(sees: (namespace: string) => boolean) {
  const store = new MemoryStore(aSigner('client', { meta: { namespace: 'acme' } }));
  const removed: SignerId[] = [];
  const stop = new AbortController();
  const ended = runControllers({
    store,
    fleet: {
      ensure: async () => {},
      observe: async () => observation('client', { running: false, reason: 'Starting' }),
      remove: async (id) => void removed.push(id),
      list: async () => [client],
    },
    identity: identityOf(generateKeyPairSync('ed25519').privateKey),
    cursors: { get: () => undefined, set: () => {} },
    connections: { republishMs: Infinity, publish: async () => {}, withdraw: async () => {} },
    sharedMachine: false,
    sees,
    meter: operatorMetrics().meter,
    clock: systemClock,
    log: silentLog,
    signal: stop.signal,
  });
  const ready = async () => {
    const [signer] = await store.list('Signer');
    return conditionOf(signer?.status?.conditions, 'Ready');
  };
  await expect.poll(ready).toBeDefined();
  // All that was found at the start has been looked at by then.
  await new Promise((resolve) => setTimeout(resolve, 50));
  stop.abort();
  await ended;
  return { removed, ready: await ready() };
}

it('stops a signer whose Wallet is gone', async () => {
  const { removed, ready } = await stopped(() => true);
  expect(removed).toContainEqual(client);
  expect(ready).toMatchObject({ status: 'False', reason: 'WalletNotFound' });
});

it('stops no signer whose Wallet it cannot see, and says so', async () => {
  const { removed, ready } = await stopped((namespace) => namespace === 'acme');
  expect(removed).toEqual([]);
  expect(ready).toMatchObject({
    status: 'Unknown',
    reason: 'WalletNotSeen',
    message: expect.stringContaining('does not see payments'),
  });
});
