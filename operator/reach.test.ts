import { expect, test } from 'vitest';
import { Reach } from './reach.ts';

const payments = { namespaces: ['payments'], fingerprint: 'sha256:', pods: { namespace: 'custody', labels: {} } };

test('an operator works for all namespaces, or for those that are named, and sees those of others besides', () => {
  const everywhere = new Reach();
  expect([everywhere.worksFor('a'), everywhere.sees('a'), everywhere.other('a'), everywhere.seen]).toEqual([
    true,
    true,
    undefined,
    [],
  ]);
  const reach = new Reach(['acme'], [payments]);
  expect(['acme', 'payments', 'far'].map((namespace) => [reach.worksFor(namespace), reach.sees(namespace)])).toEqual([
    [true, true],
    [false, true],
    [false, false],
  ]);
  expect(['acme', 'payments', 'far'].map((namespace) => reach.other(namespace))).toEqual([
    undefined,
    payments,
    undefined,
  ]);
  expect(reach.seen).toEqual(['acme', 'payments']);
});

test('what an operator works for is never of another', () => {
  const reach = new Reach(['acme', 'payments'], [payments]);
  expect(reach.other('payments')).toBeUndefined();
  expect(reach.seen).toEqual(['acme', 'payments']);
});
