import { describe, expect, test } from 'vitest';
import { keyOf, keyString } from './api/resource.ts';
import type { Key, Kind, Resource } from './api/resource.ts';
import { MemoryStore } from './testing/memory-store.ts';
import { aPolicy, aRequest, aSigner, aWallet } from './testing/objects.ts';
import { Wakes } from './wakes.ts';

const store = new MemoryStore(
  aWallet(),
  aWallet({ policyRef: { name: 'other' } }, undefined, { name: 'other' }),
  aSigner('client'),
  aSigner('backup', { meta: { namespace: 'vault' } }),
  aSigner('client', {
    meta: { name: 'other-client' },
    spec: { walletRef: { namespace: 'payments', name: 'other', holder: 'client' } },
  }),
  aPolicy(),
  aRequest(),
);

describe('what to look at when an object changes', () => {
  const cases: readonly (readonly [Key['kind'], string, readonly string[]])[] = [
    [
      'Wallet',
      'treasury',
      [
        'Signer/payments/treasury-client',
        'Signer/vault/treasury-backup',
        'SigningPolicy/payments/treasury',
        'SigningRequest/payments/pay-42',
      ],
    ],
    ['Wallet', 'other', ['Signer/payments/other-client']],
    ['Signer', 'treasury-client', ['Wallet/payments/treasury', 'Signer/vault/treasury-backup']],
    [
      'Signer',
      'gone',
      [
        'Wallet/payments/treasury',
        'Wallet/payments/other',
        'Signer/payments/treasury-client',
        'Signer/vault/treasury-backup',
        'Signer/payments/other-client',
      ],
    ],
    ['SigningPolicy', 'treasury', ['Wallet/payments/treasury']],
    ['SigningPolicy', 'gone', []],
    ['SigningRequest', 'pay-42', []],
    ['Approval', 'a', []],
  ];
  test.each(cases)('%s %s', async (kind, name, expected) => {
    const found = (await new Wakes(store).of({ kind, namespace: 'payments', name })).map((key) => keyString(key));
    expect(found.toSorted()).toEqual(expected.toSorted());
  });
});

test('a Signer that is gone wakes the wallet that it was of, and no other', async () => {
  const signer = aSigner('client');
  const known = new MemoryStore(aWallet(), aWallet(undefined, undefined, { name: 'other' }), signer);
  const wakes = new Wakes(known);
  const key = keyOf<Kind>(signer);
  await wakes.of(key);
  known.objects.delete(keyString(key));
  expect((await wakes.of(key)).map(keyString)).toEqual(['Wallet/payments/treasury']);
});

/** A store where nothing of a kind can be seen. */
function without(kind: Kind, ...objects: readonly Resource[]): MemoryStore {
  const store = new MemoryStore(...objects);
  const get = store.get.bind(store);
  store.get = async (key) => {
    if (key.kind === kind) throw new Error("namespace payments is none of this operator's");
    return get(key);
  };
  return store;
}

test('a Signer of a wallet that is not to be seen from here wakes nothing', async () => {
  const signer = aSigner('client');
  expect(await new Wakes(without('Wallet', signer)).of(keyOf<Kind>(signer))).toEqual([]);
});

test('a Wallet whose policy is not to be seen from here wakes what else is of it', async () => {
  const signer = aSigner('client');
  const woken = await new Wakes(without('SigningPolicy', aWallet(), signer)).of(keyOf<Kind>(aWallet()));
  expect(woken.map(keyString)).toEqual(['Signer/payments/treasury-client']);
});
