import { expect, test } from 'vitest';
import type { KubeClient, KubeRequest } from '../../operator/runtime/kube-client.ts';
import { KubeError } from '../../operator/runtime/kube-error.ts';
import { gatherCluster } from './cluster-facts.ts';

const now = Date.parse('2026-11-27T12:00:00Z');
const never = new AbortController().signal;

const metadata = (name: string, namespace?: string, labels = {}) => ({
  name,
  uid: name,
  resourceVersion: '1',
  generation: 1,
  creationTimestamp: '2026-11-01T00:00:00Z',
  labels,
  ...(namespace !== undefined && { namespace }),
});
const crd = (plural: string, served: boolean) => ({
  metadata: metadata(plural, undefined, { 'app.kubernetes.io/version': '0.1.0' }),
  spec: { versions: [{ name: 'v1alpha1', served }] },
});
const deployment = {
  metadata: metadata('holdfast', 'holdfast'),
  status: {
    conditions: [
      { type: 'Progressing', status: 'True' },
      { type: 'Available', status: 'False', message: 'no pods' },
    ],
  },
};
const leaseAt = (renewTime: string) => ({ spec: { holderIdentity: 'pod_1', renewTime, leaseDurationSeconds: 15 } });
const items = (...list: readonly object[]) => ({ items: list });

const group = '/apis/holdfast.dev/v1alpha1';
const admission = '/apis/admissionregistration.k8s.io/v1';
const leasePath = '/apis/coordination.k8s.io/v1/namespaces/holdfast/leases/holdfast';
const answers: Readonly<Record<string, unknown>> = {
  '/version': { gitVersion: 'v1.31.2' },
  '/apis/apiextensions.k8s.io/v1/customresourcedefinitions': items(
    crd('wallets.holdfast.dev', true),
    crd('signers.holdfast.dev', false),
    crd('wallets.example.com', true),
  ),
  '/apis/apps/v1/deployments': items(deployment),
  [leasePath]: leaseAt('2026-11-27T11:59:58.000000Z'),
  [`${admission}/validatingadmissionpolicies`]: items({ metadata: metadata('holdfast.keep-shares') }),
  [`${admission}/validatingadmissionpolicybindings`]: items(
    { metadata: metadata('a'), spec: { policyName: 'holdfast.keep-shares', validationActions: ['Deny'] } },
    { metadata: metadata('b'), spec: { policyName: 'holdfast.keep-wallets', validationActions: ['Warn'] } },
  ),
  [`${group}/wallets`]: items({ metadata: metadata('treasury', 'payments'), spec: { threshold: 2 } }),
  [`${group}/signers`]: items({ metadata: metadata('treasury-client', 'payments'), spec: {} }),
  '/apis/networking.k8s.io/v1/networkpolicies': items({ metadata: metadata('treasury-client', 'payments') }),
  '/apis/policy/v1/poddisruptionbudgets': items({ metadata: metadata('holdfast.payments.treasury', 'payments') }),
};

const refusal = (status: number) => new KubeError(`${status}`, { status });
const clientOf = (changed: Readonly<Record<string, unknown>> = {}): Pick<KubeClient, 'request'> => ({
  async request({ method = 'GET', path }: KubeRequest) {
    expect(method).toBe('GET');
    const answer = { ...answers, ...changed }[path] ?? refusal(404);
    const given = Array.isArray(answer) ? (answer.shift() as unknown) : answer;
    if (given instanceof Error) throw given;
    return given;
  },
});

const gather = (changed: Readonly<Record<string, unknown>> = {}, namespace?: string) => {
  const paused: number[] = [];
  const facts = gatherCluster({
    client: clientOf(changed),
    clock: { now: () => now },
    namespace,
    signal: never,
    pause: async (ms) => void paused.push(ms),
  });
  return facts.then((read) => ({ ...read, paused }));
};

test('all that is looked at is read', async () => {
  expect(await gather()).toMatchObject({
    paused: [],
    version: { value: 'v1.31.2' },
    kinds: {
      value: new Map([
        ['wallets', { served: ['v1alpha1'], version: '0.1.0' }],
        ['signers', { served: [], version: '0.1.0' }],
      ]),
    },
    operators: {
      value: [
        {
          namespace: 'holdfast',
          name: 'holdfast',
          available: false,
          message: 'no pods',
          lease: { value: { holder: 'pod_1', renewed: now - 2000, durationMs: 15_000 } },
        },
      ],
    },
    policies: { value: { there: ['holdfast.keep-shares'], bound: ['holdfast.keep-shares'] } },
    wallets: { value: [{ kind: 'Wallet', metadata: { namespace: 'payments', name: 'treasury' } }] },
    signers: { value: [{ kind: 'Signer' }] },
    networkPolicies: { value: [{ namespace: 'payments', name: 'treasury-client' }] },
    budgets: { value: [{ namespace: 'payments' }] },
  });
});

test('a server that does not answer is asked once', async () => {
  const paths: string[] = [];
  const facts = await gatherCluster({
    client: {
      async request({ path }) {
        paths.push(path);
        throw new KubeError('connect ECONNREFUSED', { reason: 'Unreachable' });
      },
    },
    clock: { now: () => now },
    namespace: undefined,
    signal: never,
    pause: async () => {},
  });
  expect(paths).toEqual(['/version']);
  expect(facts.version).toEqual({ kind: 'Failed', message: 'connect ECONNREFUSED' });
});

test('what may not be listed everywhere is listed in the namespace that is looked at', async () => {
  const own = '/namespaces/payments/wallets';
  const changed = {
    [`${group}/wallets`]: refusal(403),
    [`${group}${own}`]: items({ metadata: metadata('own', 'payments'), spec: {} }),
  };
  expect((await gather(changed, 'payments')).wallets).toMatchObject({
    kind: 'Read',
    value: [{ metadata: { name: 'own' } }],
  });
  expect((await gather(changed)).wallets.kind).toBe('Forbidden');
  expect((await gather({ ...changed, [`${group}${own}`]: refusal(403) }, 'payments')).wallets.kind).toBe('Forbidden');
});

test('that one namespace has no operator says nothing of the others', async () => {
  const changed = {
    '/apis/apps/v1/deployments': refusal(403),
    '/apis/apps/v1/namespaces/payments/deployments': items(),
  };
  expect((await gather(changed, 'payments')).operators.kind).toBe('Forbidden');
});

test('kinds that are not installed are missing, and answers that are none have failed', async () => {
  expect((await gather({ [`${group}/wallets`]: refusal(404) })).wallets.kind).toBe('Missing');
  expect((await gather({ [`${group}/wallets`]: refusal(500) })).wallets.kind).toBe('Failed');
  expect((await gather({ [`${group}/wallets`]: { items: [{}] } })).wallets.kind).toBe('Failed');
  expect((await gather({ [`${group}/wallets`]: items({ metadata: metadata('x', 'y') }) })).wallets.kind).toBe('Failed');
});

test('a Lease that one look does not settle is looked at again', async () => {
  const twice = (first: string, second: string) => gather({ [leasePath]: [leaseAt(first), leaseAt(second)] });
  const old = await twice('2026-11-27T11:00:00Z', '2026-11-27T11:00:04Z');
  expect(old.paused).toHaveLength(1);
  expect(old.operators).toMatchObject({
    value: [{ lease: { value: { renewed: now - 3_600_000, renewedAgain: now - 3_596_000 } } }],
  });
  expect((await twice('2026-11-27T12:00:01Z', '2026-11-27T12:00:05Z')).paused).toHaveLength(1);
  const nobody = { spec: { holderIdentity: '', renewTime: '2026-11-27T11:00:00Z', leaseDurationSeconds: 1 } };
  expect((await gather({ [leasePath]: nobody })).paused).toHaveLength(0);
  expect((await gather({ [leasePath]: refusal(404) })).operators).toMatchObject({
    value: [{ lease: { kind: 'Missing' } }],
  });
});

test('ends when it is told to', async () => {
  const stop = new AbortController();
  const gathering = gatherCluster({
    client: {
      async request() {
        stop.abort(new Error('interrupted'));
        throw new Error('interrupted');
      },
    },
    clock: { now: () => now },
    namespace: undefined,
    signal: stop.signal,
    pause: async () => {},
  });
  await expect(gathering).rejects.toThrow('interrupted');
});
