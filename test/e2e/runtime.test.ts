import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { systemClock as clock } from '../../common/clock.ts';
import { silentLog as log } from '../../common/log.ts';
import { kubeCredentials } from '../../operator/runtime/credentials.ts';
import { EventRecorder } from '../../operator/runtime/event-recorder.ts';
import { addFinalizer, removeFinalizer } from '../../operator/runtime/finalizers.ts';
import { KubeClient } from '../../operator/runtime/kube-client.ts';
import { LeadershipLost } from '../../operator/runtime/leader-election.ts';
import { applyObject, getObject } from '../../operator/runtime/objects.ts';
import { runThings, thingType } from '../../operator/runtime/testing/things.ts';
import type { Thing } from '../../operator/runtime/testing/things.ts';
import { ApiServerProxy } from './api-server-proxy.ts';
import { apply, get, kubectl } from './kubectl.ts';

/*
 * The controller runtime against a real API server: the controller of its README, with a kind of its own. What a server can
 * do wrong is played by operator/runtime/testing; here is what it does when only the way to it fails.
 */

const namespace = `runtime-${process.pid}`;
const size = { type: 'object', properties: { size: { type: 'integer' } } };
const kind = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'things.example.dev' },
  spec: {
    group: 'example.dev',
    names: { kind: 'Thing', listKind: 'ThingList', plural: 'things', singular: 'thing' },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', properties: { spec: size, status: size } } },
      },
    ],
  },
};

const thing = (name: string, size: number): object => ({
  apiVersion: 'example.dev/v1',
  kind: 'Thing',
  metadata: { name, namespace },
  spec: { size },
});
const applyThings = async (sizes: readonly number[]): Promise<unknown> =>
  apply(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: sizes.map((size, i) => thing(`thing-${i}`, size)) }));
const sizes = async (): Promise<readonly unknown[]> =>
  (await get<{ items: readonly Thing[] }>('-n', namespace, 'things')).items.map(({ status }) => status?.size);
const leader = async (): Promise<string> =>
  kubectl('-n', namespace, 'get', 'lease', 'operator', '-o', 'jsonpath={.spec.holderIdentity}');

const clientOf = (credentials = kubeCredentials()): KubeClient => {
  const client = new KubeClient({ credentials, clock, userAgent: 'example/1' });
  onTestFinished(() => client.close());
  return client;
};

/** One of several processes, each with a way of its own to the server. */
async function start(identity: string): Promise<{ way: ApiServerProxy; ended: Promise<unknown>; stop: () => void }> {
  const credentials = kubeCredentials();
  const way = await ApiServerProxy.start((await credentials()).server);
  onTestFinished(async () => way.close());
  const stop = new AbortController();
  const ended = runThings({
    client: clientOf(way.through(credentials)),
    namespace,
    identity,
    registry: new Registry(),
    electionSpeed: 1,
    signal: stop.signal,
  }).catch((error: unknown) => error);
  return { way, ended, stop: () => stop.abort() };
}

beforeAll(async () => {
  await apply(kind);
  await kubectl('wait', 'crd/things.example.dev', '--for=condition=Established', '--timeout=60s');
  await kubectl('create', 'namespace', namespace);
});

afterAll(async () => {
  await kubectl('delete', 'namespace', namespace, '--wait=false');
  await kubectl('delete', 'crd/things.example.dev', '--wait=false');
});

test('a controller goes on when its connections break, and another takes over when it hears nothing more', async () => {
  const first = await start('first');
  await expect.poll(leader).toBe('first');
  const second = await start('second');
  await applyThings([0, 1, 2, 3, 4]);
  await expect.poll(sizes).toEqual([0, 1, 2, 3, 4]);

  first.way.cut();
  await applyThings([10, 11, 12, 13, 14]);
  await expect.poll(sizes).toEqual([10, 11, 12, 13, 14]);
  expect(await leader()).toBe('first');

  first.way.silence();
  await applyThings([20, 21, 22, 23, 24]);
  expect(await first.ended).toBeInstanceOf(LeadershipLost);
  await expect.poll(leader).toBe('second');
  await expect.poll(sizes).toEqual([20, 21, 22, 23, 24]);

  second.stop();
  expect(await second.ended).toBeUndefined();
  expect(await leader()).toBe('');
});

test('writes hold what others wrote, and keep what they have to', async () => {
  const client = clientOf();
  await apply(thing('shared', 1));
  const found = async (): Promise<Thing | undefined> => getObject(client, thingType, { namespace, name: 'shared' });
  const { metadata } = (await found())!;
  const metadataOfOurs = { namespace, name: 'shared', labels: { by: 'us' } };
  await applyObject(client, thingType, { metadata: metadataOfOurs }, { fieldManager: 'example-labels' });
  expect(await found()).toMatchObject({ metadata: { uid: metadata.uid, labels: { by: 'us' } }, spec: { size: 1 } });

  await addFinalizer(client, thingType, (await found())!, 'example.dev/keep');
  await kubectl('-n', namespace, 'delete', 'thing/shared', '--wait=false');
  const going = (await found())!;
  expect(going.metadata.deletionTimestamp).toBeDefined();
  await expect(removeFinalizer(client, thingType, { metadata }, 'example.dev/keep')).resolves.toBeUndefined();
  expect(await found()).toBeDefined();
  await removeFinalizer(client, thingType, going, 'example.dev/keep');
  expect(await found()).toBeUndefined();
});

test('what happens again and again is one event, which counts', async () => {
  await apply(thing('noisy', 1));
  const { metadata } = await get<Thing>('-n', namespace, 'thing', 'noisy');
  const recorder = new EventRecorder({
    client: clientOf(),
    controller: 'example.dev/things',
    instance: 'first',
    clock,
    log,
  });
  const { apiVersion, kind } = thingType;
  const about = { apiVersion, kind, namespace, name: 'noisy', uid: metadata.uid };
  for (let i = 0; i < 3; i++) recorder.record(about, { type: 'Warning', reason: 'Loud', note: 'it makes noise' });
  await recorder.stop();
  const { items } = await get<{ items: readonly { note: string; series?: { count: number } }[] }>(
    ...['-n', namespace, 'events.events.k8s.io', '--field-selector', 'reason=Loud'],
  );
  expect(items).toMatchObject([{ note: 'it makes noise', series: { count: 3 } }]);
});
