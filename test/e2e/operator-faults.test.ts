import { setTimeout } from 'node:timers/promises';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { statementOf } from '../../cli/request-manifest.ts';
import { fromUtf8 } from '../../common/bytes.ts';
import { conditionOf } from '../../operator/api/conditions.ts';
import { programs } from '../../operator/fleet/kubernetes/pod-layout.ts';
import { operatorNamespace, scaleOperator } from './chart.ts';
import { ClusterWallet } from './cluster-wallet.ts';
import { apply, get, kubectl } from './kubectl.ts';
import { controlPlane, kill, onNode, victim } from './node.ts';
import type { Victim } from './node.ts';
import { scriptPod } from './probe.ts';
import type { Ahead, Answered } from './signing-service.ts';
import { Unharmed } from './unharmed.ts';

/*
 * What an SRE sees when the operator or the API server is lost: signers go on, the operator takes up where it was, and the
 * Lease tells who leads.
 */

/** Who leads, as its Lease says: the name of a pod, and what tells one start of it from the next. */
const leader = async (): Promise<string> => {
  const { spec } = await get<{ spec: { holderIdentity?: string } }>('-n', operatorNamespace, 'lease', 'holdfast');
  return spec.holderIdentity ?? '';
};

const operatorOf = async (identity: string): Promise<Victim> =>
  victim(operatorNamespace, identity.split('_')[0] ?? '', 'operator');

/** Resolves when another leads than before. */
const successor = async (before: string): Promise<string> => {
  await expect.poll(leader, { timeout: 90_000 }).not.toBe(before);
  return leader();
};

/** What the Lease tells of a leader. */
const toldOf = async (identity: string): Promise<readonly string[]> => {
  const selector = 'involvedObject.kind=Lease,reason=LeaderElection';
  const { items } = await get<{ items: readonly { message: string }[] }>(
    ...['-n', operatorNamespace, 'events', '--field-selector', selector],
  );
  return items.map(({ message }) => message).filter((message) => message.startsWith(`${identity} became leader`));
};

const ids = (word: string, count: number): readonly string[] => Array.from({ length: count }, (_, i) => `${word}-${i}`);

describe('a wallet goes on', () => {
  let treasury: ClusterWallet;
  let unharmed: Unharmed;
  let processes: readonly string[];

  beforeAll(async () => {
    await scaleOperator(1);
    treasury = await ClusterWallet.prepare('operator-faults', {
      access: [{ podSelector: { matchLabels: { app: 'payments-api' } } }],
    });
  });

  afterAll(async () => {
    await scaleOperator(1);
  });

  test('when the operator is killed while keys are generated', async () => {
    const before = await leader();
    const operator = await operatorOf(before);
    await treasury.apply();
    await treasury.kubectl('wait', 'wallet/treasury', '--for=jsonpath={.status.genesis}', '--timeout=120s');
    await kill(operator);
    const { status } = await treasury.resource();
    // Else there was nothing to interrupt.
    expect(conditionOf(status?.conditions, 'KeysGenerated')?.status).not.toBe('True');
    processes = await treasury.processes();

    await treasury.ready();
    unharmed = await Unharmed.since(treasury);
    await treasury.signs('after-keygen');
    const now = await successor(before);
    await expect.poll(() => toldOf(now)).toEqual([`${now} became leader after ${before}`]);
    expect(await treasury.processes()).toEqual(processes);
  });

  test('when the leader of two is killed while requests are signed', async () => {
    await scaleOperator(2);
    const before = await leader();
    const operator = await operatorOf(before);
    const asked = ids('two', 10);
    const requests = await Promise.all(asked.map((id) => treasury.messageRequest(id)));
    await apply({ apiVersion: 'v1', kind: 'List', items: requests });
    await kill(operator);
    const killed = Date.now();
    const open = (await Promise.all(asked.map((id) => treasury.request(id)))).filter(
      ({ status }) => conditionOf(status?.conditions, 'Finished')?.status !== 'True',
    );
    expect(open.length).toBeGreaterThan(0);

    const now = await successor(before);
    console.error(`${((Date.now() - killed) / 1000).toFixed(1)} s without a leader, ${open.length} requests open`);
    // The other replica, not the same one again.
    expect(now.split('_')[0]).not.toBe(before.split('_')[0]);
    for (const id of asked) await treasury.signedMessage(id);
    await unharmed.holds(...asked.slice(0, 3));
    await expect.poll(() => toldOf(now)).toEqual([`${now} became leader after ${before}`]);
    expect(await treasury.processes()).toEqual(processes);
  });

  test('when the only operator is killed while requests are signed', async () => {
    await scaleOperator(1);
    await expect
      .poll(async () =>
        operatorOf(await leader()).then(
          () => 'runs',
          () => 'is gone',
        ),
      )
      .toBe('runs');
    const before = await leader();
    const operator = await operatorOf(before);
    const asked = ids('one', 10);
    const requests = await Promise.all(asked.map((id) => treasury.messageRequest(id)));
    await apply({ apiVersion: 'v1', kind: 'List', items: requests });
    await kill(operator);
    for (const id of asked) await treasury.signedMessage(id, 120);
    await unharmed.holds(...asked.slice(0, 3));
    const now = await successor(before);
    await expect.poll(() => toldOf(now)).toEqual([`${now} became leader after ${before}`]);
    expect(await treasury.processes()).toEqual(processes);
  });

  test('over gRPC while the API server is silent for a minute, and by kubectl after it', async () => {
    const asked = ids('silent', 75);
    const requests = await Promise.all(asked.map((id) => treasury.messageRequest(id)));
    await startService(treasury, requests);
    const before = await leader();
    const node = await controlPlane();
    // Its probes give it longer than a minute.
    const signal = (word: string): Promise<string> => onNode(node, `pkill -${word} -x kube-apiserver`);
    await signal('STOP');
    const from = Date.now();
    try {
      await expect(kubectl('get', '--raw', '/readyz', '--request-timeout=5s')).rejects.toThrow();
      await setTimeout(60_000 - (Date.now() - from));
    } finally {
      await signal('CONT');
    }
    const until = Date.now();
    await expect.poll(() => kubectl('get', '--raw', '/readyz').catch(() => 'not yet')).toBe('ok');

    const told = await answersOf(treasury, 50);
    const during = told.filter(({ began, ended }) => began > from && ended < until);
    const slowest = Math.max(...during.map(({ began, ended }) => ended - began));
    console.error(`${during.length} requests over gRPC without the API server, the slowest took ${slowest} ms`);
    expect(during.length).toBeGreaterThan(30);
    expect(during.filter(({ outcome }) => outcome !== 'signed')).toEqual([]);

    // The operator could not renew its lease and has begun anew.
    const now = await successor(before);
    await expect.poll(() => toldOf(now)).toHaveLength(1);
    await treasury.signs('after-silence', 120);
    const [again] = during;
    const request = requests.find(({ spec }) => spec.id === again?.id);
    await apply(request ?? {});
    const { status } = await treasury.signedMessage(again?.id ?? '');
    expect(status?.signatures?.map(({ signature }) => signature)).toEqual(again?.signatures);
    await unharmed.holds('after-silence', 'after-keygen');
    expect(await treasury.processes()).toEqual(processes);
    await treasury.ready();
  });
});

type Request = Awaited<ReturnType<ClusterWallet['messageRequest']>>;

/** Starts a pod that has these requests signed over gRPC, one a second; resolves when the first is. */
async function startService(wallet: ClusterWallet, requests: readonly Request[]): Promise<void> {
  const { namespace } = wallet;
  const { status } = await wallet.resource();
  const ahead = requests.map((request): Ahead => ({
    id: request.spec.id ?? '',
    statement: fromUtf8(statementOf(request, status?.genesis ?? '')),
    signature: request.spec.initiator.signature,
  }));
  const { outputFiles } = await build({
    entryPoints: [`${import.meta.dirname}/signing-service.ts`],
    bundle: true,
    write: false,
    minify: true,
    platform: 'node',
    format: 'esm',
    // As in scripts/bundle.ts.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    alias: { '@grpc/proto-loader': './proto/no-proto-loader.ts' },
    // What is read from beside a program lies beside the image's; a ConfigMap is too small for it.
    define: { 'import.meta.url': `'file://${programs}/service.mjs'` },
  });
  const data = { 'service.mjs': outputFiles[0]?.text ?? '', 'requests.json': JSON.stringify(ahead) };
  // Too large for what a client-side apply notes of it.
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name: 'service' }, data };
  await apply(map, '--server-side');
  const script = `process.argv.push('/etc/treasury/connection.json', '/srv/requests.json'); import('/srv/service.mjs')`;
  await apply(
    scriptPod(namespace, 'payments-api', script, {
      mounts: { '/srv': 'service', '/etc/treasury': 'treasury-connection' },
    }),
  );
  await answersOf(wallet, 1);
}

/** What the service has printed, once there are so many lines. */
async function answersOf({ namespace }: ClusterWallet, count: number): Promise<readonly Answered[]> {
  const lines = async (): Promise<readonly string[]> =>
    (await kubectl('-n', namespace, 'logs', 'payments-api')).split('\n').filter((line) => line !== '');
  await expect.poll(async () => (await lines().catch(() => [])).length).toBeGreaterThanOrEqual(count);
  return (await lines()).map((line) => JSON.parse(line) as Answered);
}
