import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { credentialsOf, kubeCredentials } from './credentials.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-kubeconfig-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** A kubeconfig with these fields of its one cluster and user. */
function kubeconfig(cluster: object, user: object): string {
  const file = join(folder, 'config');
  const config = {
    'current-context': 'it',
    contexts: [{ name: 'it', context: { cluster: 'c', user: 'u', namespace: 'payments' } }],
    clusters: [{ name: 'c', cluster: { server: 'https://api.example:6443/k8s/', ...cluster } }],
    users: [{ name: 'u', user }],
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}

test('a kubeconfig gives server, namespace, trust and a token', async () => {
  const cluster = { 'certificate-authority-data': base64('the CA'), 'tls-server-name': 'api' };
  expect(await kubeCredentials(kubeconfig(cluster, { token: 'secret' }))()).toEqual({
    server: new URL('https://api.example:6443/k8s'),
    namespace: 'payments',
    headers: { Authorization: 'Bearer secret' },
    tls: { ca: Buffer.from('the CA'), servername: 'api', rejectUnauthorized: true },
  });
});

test('a certificate goes unchecked where the kubeconfig says so, and nowhere else', async () => {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  expect((await kubeCredentials(kubeconfig({}, {}))()).tls).toEqual({ rejectUnauthorized: true });
  const unchecked = kubeconfig({ 'insecure-skip-tls-verify': true }, {});
  expect((await kubeCredentials(unchecked)()).tls).toEqual({ rejectUnauthorized: false });
});

test('a client certificate, and files beside the kubeconfig', async () => {
  writeFileSync(join(folder, 'ca.crt'), 'the CA');
  const user = { 'client-certificate-data': base64('the certificate'), 'client-key-data': base64('the key') };
  expect(await kubeCredentials(kubeconfig({ 'certificate-authority': 'ca.crt' }, user))()).toMatchObject({
    headers: {},
    tls: { ca: Buffer.from('the CA'), cert: Buffer.from('the certificate'), key: Buffer.from('the key') },
  });
});

test('a name and a password', async () => {
  const { headers } = await kubeCredentials(kubeconfig({}, { username: 'me', password: 'mine' }))();
  expect(headers).toEqual({ Authorization: `Basic ${base64('me:mine')}` });
});

test('a pod has its service account, whose token and CA are read anew each time', async () => {
  const account = join(folder, 'var/run/secrets/kubernetes.io/serviceaccount');
  mkdirSync(account, { recursive: true });
  for (const [name, text] of [
    ['ca.crt', 'CA 1'],
    ['token', 'token 1\n'],
    ['namespace', 'holdfast\n'],
  ] as const)
    writeFileSync(join(account, name), text);
  vi.stubEnv('KUBERNETES_SERVICE_HOST', 'fd00::1');
  vi.stubEnv('KUBERNETES_SERVICE_PORT', '443');
  const read = async () => {
    const config = new KubeConfig();
    config.loadFromCluster(folder);
    return credentialsOf(config);
  };
  expect(await read()).toEqual({
    server: new URL('https://[fd00::1]'),
    namespace: 'holdfast',
    headers: { Authorization: 'Bearer token 1' },
    tls: { ca: Buffer.from('CA 1'), rejectUnauthorized: true },
  });
  writeFileSync(join(account, 'token'), 'token 2');
  writeFileSync(join(account, 'ca.crt'), 'CA 2');
  expect(await read()).toMatchObject({
    headers: { Authorization: 'Bearer token 2' },
    tls: { ca: Buffer.from('CA 2') },
  });
});

test.each([
  ['a proxy', () => kubeconfig({ 'proxy-url': 'http://proxy.example' }, {}), 'proxy-url is not supported'],
  ['no cluster', () => kubeconfig({}, {}).replace(/$/, '-none'), 'ENOENT'],
  ['plain HTTP', () => kubeconfig({ server: 'http://api.example' }, {}), 'HTTP protocol is not allowed'],
])('%s is an error', async (_, file, message) => {
  await expect(kubeCredentials(file())()).rejects.toThrow(message);
});

test('a kubeconfig whose context names no cluster is an error', async () => {
  const file = join(folder, 'config');
  writeFileSync(file, '{"clusters":[],"contexts":[],"users":[]}');
  await expect(kubeCredentials(file)()).rejects.toThrow('no cluster');
});

test('no configuration at all is an error, and no server is made up', async () => {
  vi.stubEnv('KUBECONFIG', undefined);
  vi.stubEnv('HOME', folder);
  await expect(kubeCredentials()()).rejects.toThrow('no kubeconfig ($KUBECONFIG, ~/.kube/config), and no token');
});
