import { describe, expect, test } from 'vitest';
import { keyString } from './api/resource.ts';
import type { Key } from './api/resource.ts';
import { MemoryStore } from './testing/memory-store.ts';
import { aPolicy, aRequest, aSigner, aWallet } from './testing/objects.ts';
import { wakes } from './wakes.ts';

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
    const found = (await wakes(store, { kind, namespace: 'payments', name })).map((key) => keyString(key));
    expect(found.toSorted()).toEqual(expected.toSorted());
  });
});
