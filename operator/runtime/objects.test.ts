import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { addFinalizer, removeFinalizer } from './finalizers.ts';
import { KubeClient } from './kube-client.ts';
import { isConflict } from './kube-error.ts';
import { pathOf } from './kube-object.ts';
import type { KubeObject } from './kube-object.ts';
import { applyObject, applyStatus, getObject, removeObject } from './objects.ts';
import { ApiServer } from './testing/api-server.ts';

const thing = { apiVersion: 'example.dev/v1', kind: 'Thing', plural: 'things' } as const;
const place = { namespace: 'payments', name: 'a' };
const path = pathOf(thing, place);
const writer = { fieldManager: 'holdfast-thing' };

let server: ApiServer;
let client: KubeClient;
beforeEach(async () => {
  server = await new ApiServer().start();
  client = new KubeClient({ credentials: server.credentials, clock: systemClock, userAgent: 'test' });
});
afterEach(async () => {
  client.close();
  await server.close();
});

const conflict = async (write: Promise<unknown>): Promise<boolean> =>
  write.then(
    () => false,
    (error: unknown) => isConflict(error),
  );

test.each([
  [{ apiVersion: 'v1', kind: 'Node', plural: 'nodes' }, {}, '/api/v1/nodes'],
  [{ apiVersion: 'v1', kind: 'Pod', plural: 'pods' }, { namespace: 'a' }, '/api/v1/namespaces/a/pods'],
  [thing, { ...place, subresource: 'status' }, '/apis/example.dev/v1/namespaces/payments/things/a/status'],
  [thing, { namespace: '../a', name: 'b/c?' }, '/apis/example.dev/v1/namespaces/..%2Fa/things/b%2Fc%3F'],
])('the path of %o at %o is %s', (type, at, expected) => {
  expect(pathOf(type, at)).toBe(expected);
});

test('an object is applied by one manager, by force, as an apply patch', async () => {
  const made = await applyObject(client, thing, { metadata: place, spec: { size: 1 } }, writer);
  expect(made).toMatchObject({ metadata: place, spec: { size: 1 } });
  const [asked] = server.asked;
  expect(asked).toMatchObject({ method: 'PATCH', path, body: { apiVersion: 'example.dev/v1', kind: 'Thing' } });
  expect(asked?.query.toString()).toBe('fieldManager=holdfast-thing&force=true');
  expect(asked?.headers['content-type']).toBe('application/apply-patch+yaml');
  expect(await getObject(client, thing, place)).toEqual(made);
});

test('a status goes to its subresource, and to no successor of the object', async () => {
  const { uid } = server.put(path, { spec: { size: 1 } }).metadata;
  const status = { conditions: [{ type: 'Ready' }] };
  await applyStatus(client, thing, { ...place, uid }, status, writer);
  expect(server.asked.at(-1)).toMatchObject({ path: `${path}/status`, body: { metadata: { ...place, uid }, status } });
  expect(server.get(path)).toMatchObject({ spec: { size: 1 }, status });
  server.remove(path);
  await expect(applyStatus(client, thing, { ...place, uid }, status, writer)).rejects.toMatchObject({ status: 404 });
  server.put(path);
  expect(await conflict(applyStatus(client, thing, { ...place, uid }, status, writer))).toBe(true);
});

test('removing takes the object that is meant and no other', async () => {
  const { uid, name, namespace = '' } = server.put(path).metadata;
  server.remove(path);
  server.put(path);
  await removeObject(client, thing, { uid, name, namespace });
  const next = server.get(path);
  expect(next).toBeDefined();
  await removeObject(client, thing, next!.metadata);
  expect(server.asked.at(-1)?.body).toMatchObject({ preconditions: { uid: next!.metadata.uid } });
  expect(server.get(path)).toBeUndefined();
  await removeObject(client, thing, next!.metadata);
  expect(await getObject(client, thing, place)).toBeUndefined();
});

test('a removal that is refused is an error', async () => {
  const { metadata } = server.put(path);
  server.faults.push({ kind: 'status', status: 403, reason: 'Forbidden' });
  await expect(removeObject(client, thing, metadata)).rejects.toMatchObject({ status: 403 });
});

test('an answer that is no object is an error', async () => {
  server.faults.push({ kind: 'not json' });
  await expect(getObject(client, thing, place)).rejects.toMatchObject({ status: 0, reason: 'Malformed' });
});

test('a finalizer comes and goes beside those of others, by a merge patch', async () => {
  let object: KubeObject = server.put(path, { metadata: { finalizers: ['other.dev/a'] } });
  await addFinalizer(client, thing, object, 'example.dev/a');
  expect(server.asked.at(-1)?.headers['content-type']).toBe('application/merge-patch+json');
  object = server.get(path)!;
  expect(object.metadata.finalizers).toEqual(['other.dev/a', 'example.dev/a']);
  const asked = server.asked.length;
  await addFinalizer(client, thing, object, 'example.dev/a');
  await removeFinalizer(client, thing, object, 'example.dev/none');
  expect(server.asked).toHaveLength(asked);
  await removeFinalizer(client, thing, object, 'example.dev/a');
  expect(server.get(path)?.metadata.finalizers).toEqual(['other.dev/a']);
});

test('a finalizer that another adds meanwhile is not lost: the write is refused', async () => {
  const object = server.put(path, { metadata: { finalizers: ['example.dev/a'] } });
  server.put(path, { metadata: { finalizers: ['example.dev/a', 'other.dev/a'] } });
  expect(await conflict(removeFinalizer(client, thing, object, 'example.dev/a'))).toBe(true);
  expect(await conflict(addFinalizer(client, thing, object, 'example.dev/b'))).toBe(true);
  expect(server.get(path)?.metadata.finalizers).toEqual(['example.dev/a', 'other.dev/a']);
});

test('a finalizer of an object that is gone is removed; one is not added to its successor', async () => {
  const object = server.put(path, { metadata: { finalizers: ['example.dev/a'] } });
  server.remove(path);
  await removeFinalizer(client, thing, object, 'example.dev/a');
  server.put(path);
  expect(await conflict(addFinalizer(client, thing, object, 'example.dev/b'))).toBe(true);
});
