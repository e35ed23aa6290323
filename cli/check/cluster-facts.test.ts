import { expect, test } from 'vitest';
import type { KubeClient, KubeRequest } from '../../operator/runtime/kube-client.ts';
import { KubeError } from '../../operator/runtime/kube-error.ts';
import { gatherCluster } from './cluster-facts.ts';
import { answers, group, items, leaseAt, leasePath, metadata, now } from './testing/cluster-answers.ts';

const never = new AbortController().signal;

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

test('what is in no namespace is not looked for in one', async () => {
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const inNamespace = path.replace('/v1/', '/v1/namespaces/payments/');
  expect((await gather({ [path]: refusal(403), [inNamespace]: items() }, 'payments')).kinds.kind).toBe('Forbidden');
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
