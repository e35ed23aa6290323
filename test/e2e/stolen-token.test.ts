import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { messageOf } from '../../common/errors.ts';
import { nodeBinary } from '../../operator/fleet/kubernetes/pod-layout.ts';
import type { KubeClient, KubeRequest } from '../../operator/runtime/kube-client.ts';
import { clientOf } from './api.ts';
import { operatorIsReady, operatorNamespace } from './chart.ts';
import { ClusterWallet } from './cluster-wallet.ts';
import { get, kubectl, run } from './kubectl.ts';

/*
 * An attacker who has the token by which the operator speaks to the API server, where a wallet's signers are. Whatever it
 * might be let do is a dry run. All verdicts of admission are in admission.test.ts.
 */

let treasury: ClusterWallet;
let namespace: string;

beforeAll(async () => {
  await operatorIsReady();
  treasury = await ClusterWallet.prepare('stolen-token');
  ({ namespace } = treasury);
  await treasury.apply();
  await treasury.kubectl('wait', 'pod/treasury-client-0', '--for=create', '--timeout=60s');
  await treasury.kubectl('wait', 'pod/treasury-client-0', '--for=condition=Ready', '--timeout=120s');
});

describe("whoever has the operator's token", () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-e2e-'));
  const kubeconfig = join(folder, 'kubeconfig');
  let client: KubeClient;
  const asOperator = async (args: readonly string[], input = ''): Promise<string> =>
    run('kubectl', ['--kubeconfig', kubeconfig, '-n', namespace, ...args], input);
  /** What is said against it; "it is done" where nothing is. */
  const tried = async (args: readonly string[], input = ''): Promise<string> =>
    asOperator(args, input).then(() => 'it is done', messageOf);

  beforeAll(async () => {
    const token = (await kubectl('-n', operatorNamespace, 'create', 'token', 'holdfast')).trim();
    client = clientOf(token);
    const config = JSON.parse(await kubectl('config', 'view', '--raw', '--minify', '--flatten', '-o', 'json')) as {
      users: readonly { name: string }[];
    };
    const users = config.users.map(({ name }) => ({ name, user: { token } }));
    writeFileSync(kubeconfig, JSON.stringify({ ...config, users }), { mode: 0o600 });
  });

  afterAll(() => {
    client.close();
    rmSync(folder, { recursive: true });
  });

  const patch = (ops: readonly object[]): readonly string[] => [
    ...['patch', 'statefulset/treasury-client', '--dry-run=server', '--type=json', '-p', JSON.stringify(ops)],
  ];
  const pod = '/spec/template/spec';
  const container = `${pod}/containers/0`;

  test('is the operator: it may change a signer, and what is refused below is refused for what it is', async () => {
    expect(await asOperator(['auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}'])).toBe(
      `system:serviceaccount:${operatorNamespace}:holdfast`,
    );
    const memory = { limits: { memory: '300Mi' } };
    await asOperator(patch([{ op: 'replace', path: `${container}/resources`, value: memory }]));
  });

  const secret = { name: 'more', secret: { secretName: 'treasury-seal' } };
  const evil = { name: 'evil', image: 'registry.example/evil' };
  test.each([
    ['another image', { path: `${container}/image`, value: () => inject('images').operator }, /images are by digest/],
    ['a command', { path: `${container}/command`, value: [nodeBinary, '-e', ''] }, /fields of the chart's containers/],
    ['an argument', { path: `${container}/args/-`, value: '--inspect' }, /the arguments that the chart's have/],
    [
      'an environment variable',
      { path: `${container}/env/-`, value: { name: 'NODE_OPTIONS', value: '--require=/x' } },
      /GLIBC_TUNABLES only/,
    ],
    [
      'a folder of the machine',
      { path: `${pod}/volumes/-`, value: { name: 'm', hostPath: { path: '/' } } },
      /volumes are/,
    ],
    ['a Secret', { path: `${pod}/volumes/-`, value: secret }, /no other Secret/],
    ['an empty volume', { path: `${pod}/volumes/-`, value: { name: 'more', emptyDir: {} } }, /volumes are/],
    ['a container', { path: `${pod}/containers/-`, value: evil }, /the container signer/],
    ['a container before it', { path: `${pod}/initContainers`, value: [evil] }, /the container signer/],
    ["the machine's processes", { path: `${pod}/hostPID`, value: true }, /fields of the chart's pods/],
    ['a token', { path: `${pod}/automountServiceAccountToken`, value: true }, /no token of it/],
    [
      'a capability',
      { path: `${container}/securityContext/capabilities/add`, value: ['SYS_PTRACE'] },
      /containers are confined/,
    ],
  ] as const)('gives a signer no pod with %s', async (_, { path, value }, refusal) => {
    const given = typeof value === 'function' ? value() : value;
    const said = await tried(patch([{ op: 'add', path, value: given }]));
    expect(said).toContain('denied request');
    expect(said).toMatch(refusal);
  });

  test('runs no pod of its own where signers are', async () => {
    const labels = { app: 'evil' };
    const template = { metadata: { labels }, spec: { containers: [evil] } };
    const workload = (apiVersion: string, kind: string): string =>
      JSON.stringify({
        apiVersion,
        kind,
        metadata: { name: 'x' },
        spec: { selector: { matchLabels: labels }, template },
      });
    const create = ['create', '--dry-run=server', '-f', '-'];
    expect(await tried(create, workload('apps/v1', 'StatefulSet'))).toContain('denied request');
    for (const kind of ['Deployment', 'DaemonSet', 'ReplicaSet'])
      expect(await tried(create, workload('apps/v1', kind)), kind).toMatch(/forbidden.*cannot create/i);
    const bare = JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' }, spec: template.spec });
    expect(await tried(create, bare)).toMatch(/forbidden.*cannot create/i);
  });

  test('runs nothing in a signer, reads none of its logs and deletes none', async () => {
    const path = `/api/v1/namespaces/${namespace}/pods/treasury-client-0`;
    const attempts: readonly KubeRequest[] = [
      { method: 'POST', path: `${path}/exec`, query: { command: 'true', stdout: true } },
      { method: 'POST', path: `${path}/attach`, query: { stdout: true } },
      { method: 'POST', path: `${path}/portforward` },
      { path: `${path}/log` },
      { path },
      { method: 'PATCH', path: `${path}/ephemeralcontainers`, contentType: 'application/merge-patch+json', body: {} },
      { method: 'DELETE', path, query: { dryRun: 'All' } },
    ];
    for (const attempt of attempts)
      await expect(client.request(attempt), attempt.path).rejects.toMatchObject({ status: 403, reason: 'Forbidden' });
  });

  test.each([
    ['reads no Secret of a holder', ['get', 'secret', 'treasury-seal']],
    ['lists no Secrets', ['get', 'secrets']],
    ['reads no Secret of its own namespace', ['-n', operatorNamespace, 'get', 'secret', 'holdfast-identity']],
    ['takes no token of another account', ['create', 'token', 'treasury-client']],
    ['changes no SigningPolicy', ['patch', 'signingpolicy', 'treasury', '--type=merge', '-p', '{"spec":{"rules":[]}}']],
    ['deletes no Wallet', ['delete', 'wallet', 'treasury']],
    ['deletes no claim', ['delete', 'pvc', '--all']],
    ["deletes no seal's Secret", ['delete', 'secret', 'treasury-seal']],
    ['deletes no NetworkPolicy', ['delete', 'networkpolicy', 'treasury-client']],
    ['deletes no namespace', ['delete', 'namespace', 'NAMESPACE']],
    ['takes no mark from a namespace', ['label', 'namespace', 'NAMESPACE', 'holdfast.dev/keeps-']],
    ['writes no role', ['create', 'clusterrole', 'x', '--verb=*', '--resource=*']],
    ['binds no role', ['create', 'rolebinding', 'x', '--clusterrole=admin', '--serviceaccount=holdfast:holdfast']],
  ] as const)('%s', async (_, args) => {
    expect(await tried(args.map((word) => (word === 'NAMESPACE' ? namespace : word)))).toMatch(/forbidden/i);
  });

  test('consents to no deletion in place of a person', async () => {
    const annotations = { 'holdfast.dev/destroy': `sha256:${'0'.repeat(64)}` };
    // kubectl would look at a claim before it changes it, which this token may not.
    for (const path of [
      `/apis/holdfast.dev/v1alpha1/namespaces/${namespace}/wallets/treasury`,
      `/api/v1/namespaces/${namespace}/persistentvolumeclaims/holdfast.${namespace}.treasury.client.state`,
    ]) {
      const patch = { method: 'PATCH', path, contentType: 'application/merge-patch+json' } as const;
      await client.request({ ...patch, body: {} });
      await expect(client.request({ ...patch, body: { metadata: { annotations } } }), path).rejects.toThrow(
        /denied request: the operator allows no deletion/,
      );
    }
  });

  test('edits none of what holds it', async () => {
    const inGroup = (group: string, ...objects: readonly string[]): readonly string[] =>
      objects.map((object) => `/apis/${group}/v1/${object}`);
    const ours = new RegExp(`^holdfast\\.(${operatorNamespace}\\.operator|keep|marked)-`);
    const kinds = ['validatingadmissionpolicies', 'validatingadmissionpolicybindings'];
    const listed = await Promise.all(
      kinds.map(async (kind) => {
        const { items } = await get<{ items: readonly { metadata: { name: string } }[] }>(kind);
        const names = items.map(({ metadata }) => metadata.name);
        return names.filter((name) => ours.test(name)).map((name) => `${kind}/${name}`);
      }),
    );
    // Three of its own and three that keep shares, each with its binding.
    expect(listed.map((names) => names.length)).toEqual([6, 6]);
    const own = `holdfast.${operatorNamespace}`;
    for (const path of [
      ...inGroup('admissionregistration.k8s.io', ...listed.flat()),
      ...inGroup('rbac.authorization.k8s.io', `clusterroles/${own}`, `clusterrolebindings/${own}`),
      ...inGroup('apiextensions.k8s.io', 'customresourcedefinitions/wallets.holdfast.dev'),
    ]) {
      await kubectl('get', '--raw', path);
      const contentType = 'application/merge-patch+json';
      const patched = client.request({ method: 'PATCH', path, contentType, body: {}, query: { dryRun: 'All' } });
      await expect(patched, path).rejects.toMatchObject({ reason: 'Forbidden' });
      const deleted = client.request({ method: 'DELETE', path, query: { dryRun: 'All' } });
      await expect(deleted, path).rejects.toMatchObject({ reason: 'Forbidden' });
    }
  });
});
