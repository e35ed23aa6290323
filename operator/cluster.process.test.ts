import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';
import { certificatePem, selfSignedCertificate } from '../common/certificate.ts';
import { keyOf } from './api/resource.ts';
import type { Key, Kind } from './api/resource.ts';
import { validate } from './api/validate.ts';
import { pathOf } from './runtime/kube-object.ts';
import { leaseType } from './runtime/lease.ts';
import { ApiServer } from './runtime/testing/api-server.ts';
import { finalizer } from './store/kubernetes/kubernetes-store.ts';
import { resourceType } from './store/kubernetes/resource-type.ts';
import { policy, wallet } from './store/testing/drafts.ts';
import { put, temporaryFolder } from './store/testing/folder.ts';

type Entry = Readonly<Record<string, unknown>>;

const settings = {
  namespaces: ['payments'],
  others: [],
  fleet: {
    signerImage: `registry.example/holdfast/signer@sha256:${'a'.repeat(64)}`,
    imagePullSecrets: [],
    imagePullPolicy: 'IfNotPresent',
    volumes: { accessMode: 'ReadWriteOncePod', storageClassName: '' },
    operator: { namespace: 'holdfast', labels: { 'app.kubernetes.io/name': 'holdfast' } },
    dns: [],
    scrapeFrom: [],
  },
};
const identity = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
const tlsKey = generateKeyPairSync('ed25519').privateKey;
const tls = {
  key: tlsKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  cert: certificatePem(selfSignedCertificate({ commonName: 'api', privateKey: tlsKey })),
};
const leasePath = pathOf(leaseType, { namespace: 'holdfast', name: 'operator' });

/** An API server that holds our kinds to their schema and rules, and lets one token in. */
async function apiServer(): Promise<ApiServer> {
  const server = await new ApiServer(tls).start();
  server.token = 'of-the-operator';
  server.admit = (object, old) => {
    if (object['apiVersion'] !== wallet().apiVersion) return undefined;
    const [problem] = validate(object, old);
    return problem && `${problem.path}: ${problem.message}`;
  };
  onTestFinished(() => server.close());
  return server;
}

/** The program as the chart starts it, but for the place of its files and its credentials. */
function operator(server: ApiServer, files: Readonly<Record<string, string>> = {}) {
  const folder = temporaryFolder();
  const kubeconfig = {
    clusters: [
      {
        name: 'test',
        cluster: {
          server: server.url.href,
          'certificate-authority-data': Buffer.from(tls.cert).toString('base64'),
          'tls-server-name': 'api',
        },
      },
    ],
    users: [{ name: 'operator', user: { token: 'of-the-operator' } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'operator' } }],
    'current-context': 'test',
  };
  const given = {
    kubeconfig: JSON.stringify(kubeconfig),
    'settings.yaml': JSON.stringify(settings),
    identity,
    ...files,
  };
  for (const [name, text] of Object.entries(given)) put(folder, name, text);
  const flags = {
    identity: join(folder, 'identity'),
    settings: join(folder, 'settings.yaml'),
    namespace: 'holdfast',
    lease: 'operator',
    'metrics-listen': '127.0.0.1:0',
  };
  const child = spawn(
    process.execPath,
    [
      join(import.meta.dirname, 'testing/cluster-process.ts'),
      ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { KUBECONFIG: join(folder, 'kubeconfig') } },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  const closed = once(child, 'close');
  const entries: Entry[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => entries.push(JSON.parse(line) as Entry));
  const logged = (message: string): Entry | undefined => entries.find((entry) => entry['message'] === message);
  return {
    logged,
    entries,
    ended: async (): Promise<{ readonly code: unknown; readonly last: Entry | undefined }> => {
      const [code] = (await closed) as [unknown];
      return { code, last: entries.at(-1) };
    },
    stop: () => child.kill('SIGTERM'),
    until: (message: string) => expect.poll(() => logged(message), { timeout: 60_000 }).toBeDefined(),
    /** What one of its probes or its metrics say. */
    async get(path: string): Promise<string> {
      const answer = await fetch(`http://127.0.0.1:${String(logged('started')?.['metrics'])}${path}`);
      return `${answer.status} ${await answer.text()}`;
    },
  };
}

const at = (server: ApiServer, { kind, namespace, name }: Key): ReturnType<ApiServer['get']> =>
  server.get(pathOf(resourceType(kind), { namespace, name }));

it('leads, sees to a Wallet, and on SIGTERM gives its Lease up', async () => {
  const server = await apiServer();
  const { until, get, stop, ended, logged } = operator(server);
  await until('operator started');
  expect(server.get(leasePath)?.spec).toMatchObject({
    holderIdentity: expect.stringMatching(new RegExp(`^${hostname()}_[-0-9a-f]{36}$`)),
  });
  expect(logged('operator started')).toMatchObject({
    fingerprint: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    namespaces: ['payments'],
  });
  expect([await get('/healthz'), await get('/readyz')]).toEqual(['200 ok\n', '200 ok\n']);

  const seal = { keySecretRef: { name: 'treasury-seal', key: 'kek' } };
  for (const object of [policy(), wallet('treasury', { signers: { seal, placement: 'Required' } })]) {
    const key = keyOf<Kind>(object);
    const creationTimestamp = new Date().toISOString();
    server.put(pathOf(resourceType(key.kind), key), {
      ...object,
      metadata: { ...object.metadata, generation: 1, creationTimestamp },
    });
  }
  await until('signer asked for');
  await expect
    .poll(() => at(server, keyOf(wallet())), { timeout: 30_000 })
    .toMatchObject({
      metadata: { finalizers: [finalizer] },
      status: {
        signersAvailable: '0/2',
        conditions: expect.arrayContaining([
          expect.objectContaining({ type: 'Ready', status: 'False', reason: 'WaitingForSigners' }),
          expect.objectContaining({ type: 'Independent', reason: 'SharedNamespace' }),
        ]),
      },
    });
  const signer: Key = { kind: 'Signer', namespace: 'payments', name: 'treasury-client' };
  await expect
    .poll(() => at(server, signer), { timeout: 30_000 })
    .toMatchObject({
      metadata: { labels: { 'app.kubernetes.io/managed-by': 'holdfast' }, finalizers: [finalizer] },
      spec: { placement: 'Required' },
      status: { conditions: [{ type: 'Ready', status: 'False', reason: 'Starting' }] },
    });

  const metrics = await get('/metrics');
  expect(metrics).toContain('leader_election_master_status{name="operator"} 1');
  expect(metrics).toMatch(/rest_client_requests_total\{code="200",method="GET"\} \d/);
  expect(metrics).toContain('holdfast_wallet_condition{wallet="payments/treasury",condition="Ready"} 0');
  // Only what the chart's role allows it to see.
  expect(server.asked.filter(({ path }) => /secrets|pods/.test(path))).toEqual([]);

  stop();
  expect(await ended()).toMatchObject({ code: 0 });
  expect(logged('fleet closed')).toBeDefined();
  expect(server.get(leasePath)?.spec).toMatchObject({ holderIdentity: '' });
});

it('keeps its Lease while more of its writes than it has connections for are not answered', async () => {
  const server = await apiServer();
  const { until, logged } = operator(server);
  await until('operator started');
  server.deaf = (path) => path.endsWith('/status');
  const names = Array.from({ length: 40 }, (_, i) => `policy-${i}`);
  for (const name of names) {
    const metadata = { name, namespace: 'payments', generation: 1, creationTimestamp: new Date().toISOString() };
    const key: Key = { kind: 'SigningPolicy', namespace: 'payments', name };
    server.put(pathOf(resourceType('SigningPolicy'), key), { ...policy(name), metadata });
  }
  const unanswered = (): number => server.asked.filter(({ path }) => server.deaf?.(path)).length;
  await expect.poll(unanswered, { timeout: 30_000 }).toBe(16);
  const renewals = (): number =>
    server.asked.filter(({ method, path }) => method === 'PUT' && path === leasePath).length;
  const before = renewals();
  await expect.poll(() => renewals() - before, { timeout: 15_000 }).toBeGreaterThan(2);
  expect(logged('lease not renewed')).toBeUndefined();
});

it('ends with one line that says why as soon as another has its Lease, and leaves that alone', async () => {
  const server = await apiServer();
  const { until, ended } = operator(server);
  await until('operator started');
  server.put(leasePath, { spec: { ...(server.get(leasePath)?.spec as object), holderIdentity: 'usurper' } });
  const { code, last } = await ended();
  expect(code).toBe(1);
  expect(last).toMatchObject({
    level: 'error',
    message: 'leadership lost: lease taken by usurper; another operator may lead now, so this one ends',
  });
  expect(server.get(leasePath)?.spec).toMatchObject({ holderIdentity: 'usurper' });
});

it('is ready while it waits to lead, works on nothing, and ends without the Lease', async () => {
  const server = await apiServer();
  server.put(leasePath, { spec: { holderIdentity: 'leader', leaseDurationSeconds: 3_600 } });
  const { until, get, stop, ended } = operator(server);
  await until('waiting to lead');
  await expect.poll(() => get('/readyz')).toBe('200 ok\n');
  expect(await get('/metrics')).toContain('leader_election_master_status{name="operator"} 0');
  expect(server.asked.every(({ method, path }) => method === 'GET' && path === leasePath)).toBe(true);
  stop();
  expect(await ended()).toMatchObject({ code: 0 });
  expect(server.get(leasePath)?.spec).toMatchObject({ holderIdentity: 'leader' });
});

it('is not ready where the server does not let it see the Lease', async () => {
  const server = await apiServer();
  server.token = 'of another';
  const { until, get } = operator(server);
  await until('lease not acquired');
  expect([await get('/healthz'), await get('/readyz')]).toEqual(['200 ok\n', '503 not ready: lease\n']);
});

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
it.each([
  ['settings that are no settings', { 'settings.yaml': 'namespaces: []' }, 'settings: settings.others is missing'],
  [
    'an image by its tag',
    { 'settings.yaml': JSON.stringify({ ...settings, fleet: { ...settings.fleet, signerImage: 'signer:latest' } }) },
    'settings: fleet.signerImage: want the form',
  ],
  ['an identity that is no key', { identity: 'nonsense' }, 'cannot use the operator identity'],
  ['no kubeconfig that can be read', { kubeconfig: 'nonsense' }, 'no way to the API server: '],
  [
    'an identity of another kind',
    { identity: rsa.export({ format: 'pem', type: 'pkcs8' }).toString() },
    'want an Ed25519 key, got rsa',
  ],
])('started with %s it ends with what is wrong', async (_, files, message) => {
  const server = await apiServer();
  const { code, last } = await operator(server, files).ended();
  expect(code).toBe(2);
  expect(last).toMatchObject({ level: 'error', message: expect.stringContaining(message), hints: [expect.anything()] });
  expect(server.asked).toEqual([]);
});
