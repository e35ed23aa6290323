import { expect, it } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { conditionOf } from '../api/conditions.ts';
import { keyOf } from '../api/resource.ts';
import { Reach } from '../reach.ts';
import { observation } from '../testing/holder-states.ts';
import { MemoryStore } from '../testing/memory-store.ts';
import { aSigner, aWallet } from '../testing/objects.ts';
import type { SignerContacts } from './signer-contacts.ts';
import { signerController } from './signer-controller.ts';

it('keeps a Signer that is deleted until its process ended, and says what that waits for', async () => {
  const signer = aSigner('client', { meta: { deletionTimestamp: '2026-11-01T00:00:00Z' } });
  const store = new MemoryStore(aWallet(), signer);
  let removes = async (): Promise<void> => Promise.reject(new Error('payments/treasury-client-0: still there'));
  const controller = signerController({
    store,
    fleet: {
      ensure: async () => {},
      observe: async () => observation('client', { running: false, reason: 'Starting' }),
      remove: () => removes(),
      list: async () => [],
    },
    contacts: {} as SignerContacts,
    clock: systemClock,
    operator: 'sha256:operator',
    sharedMachine: false,
    reach: new Reach(),
  });
  const look = () => controller.reconcile(keyOf(signer), new AbortController().signal);
  const message = async (): Promise<string | undefined> =>
    conditionOf((await store.get(keyOf(signer)))?.status?.conditions, 'Ready')?.message;

  await expect(look()).rejects.toThrow('still there');
  expect(await message()).toBe('the process is being stopped; its state, the share included, is kept');
  for (let again = 0; again < 2; again++) {
    await expect(look()).rejects.toThrow('still there');
    expect(await message()).toMatch(/is kept; payments\/treasury-client-0: still there$/);
  }
  expect(store.removed).toEqual([]);
  removes = async () => {};
  await look();
  expect(store.removed).toEqual(['Signer/payments/treasury-client']);
});
