import { expect, test } from 'vitest';
import { version } from '../../common/version.ts';
import { aSigner, aWallet } from '../../operator/testing/objects.ts';
import { checkCluster, policiesOf } from './cluster.ts';
import type { ClusterFacts, Lease, Operator, Read } from './cluster.ts';
import { docs } from './docs.ts';

const now = Date.parse('2026-11-27T12:00:00Z');
const read = <T>(value: T): Read<T> => ({ kind: 'Read', value });
const forbidden = { kind: 'Forbidden', message: 'no' } as const;

const lease = (over: Partial<Lease> = {}): Read<Lease> =>
  read({ holder: 'holdfast-abc_1', renewed: now - 2000, durationMs: 15_000, ...over });
const operator = (over: Partial<Operator> = {}): Operator => ({
  namespace: 'holdfast',
  name: 'holdfast',
  labels: {},
  available: true,
  message: '',
  lease: lease(),
  ...over,
});
const names = policiesOf([operator()]);
const plurals = ['wallets', 'signers', 'signingpolicies', 'signingrequests', 'approvals'];
const kinds = (over: { served?: readonly string[]; version?: string } = {}) =>
  read(new Map(plurals.map((plural) => [plural, { served: ['v1alpha1'], version, ...over }])));
const signers = ['infrastructure', 'client', 'backup'].map((name) => aSigner(name));

const well: ClusterFacts = {
  now,
  version: read('v1.31.2'),
  kinds: kinds(),
  operators: read([operator()]),
  policies: read({ there: names, bound: names }),
  wallets: read([aWallet()]),
  signers: read(signers),
  networkPolicies: read(signers.map(({ metadata: { namespace, name } }) => ({ namespace, name, labels: {} }))),
  budgets: read([{ namespace: 'payments', name: 'holdfast.payments.treasury', labels: {} }]),
};
const found = (over: Partial<ClusterFacts>) =>
  checkCluster({ ...well, ...over }).filter(({ level, id }) => level !== 'ok' && id !== 'network-plugin');

test('a cluster where all is well has nothing but what nobody can see from here', () => {
  expect(checkCluster(well).map(({ id, level }) => `${id} ${level}`)).toEqual([
    'kubernetes ok',
    'kinds ok',
    'operator ok',
    'operator-lease ok',
    'admission ok',
    'network-policies ok',
    'network-plugin note',
    'disruption-budgets ok',
    'wallets ok',
  ]);
});

test('where the API server does not answer, that is all there is to say', () => {
  const failed = { kind: 'Failed', message: 'GET /version: connect ECONNREFUSED\n' } as const;
  expect(checkCluster({ ...well, version: failed })).toMatchObject([
    { id: 'api', level: 'error', what: 'GET /version: connect ECONNREFUSED', docs: docs.api },
  ]);
});

test('what the user of the kubeconfig may not read is told of in one note', () => {
  const all = checkCluster({
    now,
    version: read('v1.31.2'),
    kinds: forbidden,
    operators: forbidden,
    policies: forbidden,
    wallets: forbidden,
    signers: forbidden,
    networkPolicies: forbidden,
    budgets: forbidden,
  });
  const unseen = "not looked at, since the kubeconfig's user may not read them: ";
  expect(all).toMatchObject([
    { id: 'kubernetes', level: 'ok' },
    { id: 'rights', level: 'note', what: `${unseen}kinds, operator, admission policies, wallets and signers` },
  ]);
  expect(found({ networkPolicies: forbidden, budgets: forbidden })).toMatchObject([
    { id: 'rights', what: `${unseen}NetworkPolicies, PodDisruptionBudgets`, docs: docs.rights },
  ]);
  const hidden = operator({ lease: forbidden });
  expect(found({ operators: read([hidden]) })).toMatchObject([{ what: `${unseen}Lease holdfast/holdfast` }]);
});

test('what the server fails to tell is an error', () => {
  expect(found({ kinds: { kind: 'Failed', message: '500' } })).toMatchObject([
    { id: 'kinds', level: 'error', what: 'kinds: 500' },
  ]);
});

test.each(['v1.30.0', 'v1.36.1+k3s1', 'v2.0.0'])('Kubernetes %s will do', (its) => {
  expect(found({ version: read(its) })).toEqual([]);
});

test.each(['v1.29.9', 'v0.40.0', '', 'nonsense'])('Kubernetes %j will not', (its) => {
  expect(found({ version: read(its) })).toMatchObject([{ id: 'kubernetes', level: 'error' }]);
});

test('kinds that are not there are an error, and of another version a warning', () => {
  const missing = kinds();
  if (missing.kind === 'Read') missing.value.delete('approvals');
  expect(found({ kinds: missing })).toMatchObject([
    { level: 'error', what: 'kinds: approvals not served as holdfast.dev/v1alpha1' },
  ]);
  expect(found({ kinds: kinds({ served: ['v1'] }) })).toMatchObject([{ level: 'error' }]);
  expect(found({ kinds: kinds({ version: '9.9.9' }) })).toMatchObject([
    { level: 'warning', what: `kinds: of version 9.9.9, this command is ${version}` },
  ]);
  expect(found({ kinds: kinds({ version: '' }) })).toEqual([]);
});

test('an operator that is not there, or not available, is an error', () => {
  expect(found({ operators: read([]) })).toMatchObject([{ id: 'operator', level: 'error' }]);
  expect(found({ operators: read([operator({ available: false, message: 'too few replicas' })]) })).toMatchObject([
    { what: 'operator holdfast/holdfast: not available: too few replicas' },
  ]);
});

test('a Lease counts by whether it is renewed, whatever clock wrote it', () => {
  const leases = (its: Read<Lease>) => found({ operators: read([operator({ lease: its })]) });
  expect(leases({ kind: 'Missing', message: '404' })).toMatchObject([{ id: 'operator-lease', level: 'error' }]);
  expect(leases(lease({ holder: '' }))).toMatchObject([{ what: 'Lease holdfast/holdfast: nobody leads' }]);
  const old = now - 3_600_000;
  expect(leases(lease({ renewed: old, renewedAgain: old }))).toMatchObject([
    {
      id: 'operator-lease',
      level: 'error',
      what: expect.stringContaining('not renewed since 2026-11-27T11:00:00') as unknown,
    },
  ]);
  expect(leases(lease({ renewed: old, renewedAgain: old + 4000 }))).toMatchObject([
    { id: 'clock', level: 'warning', what: "clock: the operator's is -3596 s from the one here" },
  ]);
  expect(leases(lease({ renewed: now + 20_000, renewedAgain: now + 24_000 }))).toEqual([]);
});

test('admission policies that are missing, or bind nothing, are a warning', () => {
  const [first = '', ...others] = names;
  expect(found({ policies: read({ there: others, bound: others }) })).toMatchObject([
    { id: 'admission', level: 'warning', what: `admission: there is no ${first}` },
  ]);
  expect(found({ policies: read({ there: names, bound: others }) })).toMatchObject([
    { what: `admission: no binding of ${first}` },
  ]);
  const second = operator({ namespace: 'acme-operator' });
  expect(found({ operators: read([operator(), second]) })).toMatchObject([
    { what: expect.stringContaining('holdfast.acme-operator.operator-never') as unknown },
  ]);
});

test('a signer without NetworkPolicy is an error; one that runs elsewhere needs none', () => {
  const [, ...others] = signers.map(({ metadata: { namespace, name } }) => ({ namespace, name, labels: {} }));
  expect(found({ networkPolicies: read(others) })).toMatchObject([
    { level: 'error', what: 'NetworkPolicies: none for payments/treasury-infrastructure' },
  ]);
  const external = { endpoint: 'signer.example:7443', fingerprint: 'sha256:00' };
  const [first] = signers;
  const elsewhere = { ...first!, spec: { walletRef: first!.spec.walletRef, external } };
  expect(found({ signers: read([elsewhere, ...signers.slice(1)]), networkPolicies: read(others) })).toEqual([]);
});

test('a wallet without PodDisruptionBudget is a warning', () => {
  expect(found({ budgets: read([]) })).toMatchObject([
    { level: 'warning', what: 'PodDisruptionBudgets: there is no payments/holdfast.payments.treasury' },
  ]);
});

test('signers of another version are told by wallet', () => {
  const holders = [
    { name: 'client', available: true, version: '0.0.9' },
    { name: 'backup', available: true, version },
  ];
  expect(found({ wallets: read([aWallet({}, { holders })]) })).toMatchObject([
    { id: 'signer-version', level: 'note', what: `wallet payments/treasury: client 0.0.9; this command is ${version}` },
  ]);
});
