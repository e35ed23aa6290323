import { expect, test } from 'vitest';
import { ObjectCache } from './object-cache.ts';
import type { Change } from './object-cache.ts';
import type { KubeObject } from './kube-object.ts';

const thing = (name: string, uid: string, version: number | string): KubeObject => ({
  metadata: { name, namespace: 'payments', uid, resourceVersion: String(version) },
});
const told = (changes: readonly Change<KubeObject>[]): readonly string[] =>
  changes.map(
    ({ type, object: { metadata } }) => `${type} ${metadata.name} ${metadata.uid} ${metadata.resourceVersion}`,
  );

/** One that holds `a` of uid 1 since version 5. */
function cacheOfOne(): ObjectCache<KubeObject> {
  const cache = new ObjectCache<KubeObject>();
  cache.replace([thing('a', '1', 5)], '7');
  return cache;
}

test('a list is told as its difference from what was held', () => {
  const cache = new ObjectCache<KubeObject>();
  expect(cache.version).toBe('');
  expect(told(cache.replace([thing('a', '1', 5), thing('b', '2', 6), thing('c', '3', 7)], '7'))).toEqual([
    'added a 1 5',
    'added b 2 6',
    'added c 3 7',
  ]);
  expect(told(cache.replace([thing('a', '1', 5), thing('b', '2', 9), thing('d', '4', 8)], '9'))).toEqual([
    'deleted c 3 7',
    'changed b 2 9',
    'added d 4 8',
  ]);
  expect(cache.get('b', 'payments')).toEqual(thing('b', '2', 9));
  expect(cache.get('b', 'other')).toBeUndefined();
  expect([cache.size, cache.list().length, cache.version]).toEqual([3, 3, '9']);
});

test('an object made anew under its name between two lists is deleted and added', () => {
  expect(told(cacheOfOne().replace([thing('a', '2', 9)], '9'))).toEqual(['deleted a 1 5', 'added a 2 9']);
});

test('events are told, and one of a new uid as a deletion and an addition', () => {
  const cache = cacheOfOne();
  expect(told(cache.apply('MODIFIED', thing('a', '1', 8)))).toEqual(['changed a 1 8']);
  expect(told(cache.apply('ADDED', thing('a', '2', 10)))).toEqual(['deleted a 1 8', 'added a 2 10']);
  expect(told(cache.apply('DELETED', thing('a', '2', 11)))).toEqual(['deleted a 2 11']);
  expect(told(cache.apply('DELETED', thing('b', '3', 12)))).toEqual([]);
  expect([cache.size, cache.version]).toEqual([0, '12']);
});

test('events that repeat change nothing, in whatever state they find the object', () => {
  const cache = cacheOfOne();
  const events = [
    ['MODIFIED', thing('a', '1', 8)],
    ['DELETED', thing('a', '1', 9)],
    ['ADDED', thing('a', '2', 10)],
  ] as const;
  for (const [type, object] of events) cache.apply(type, object);
  for (const [type, object] of events) expect(cache.apply(type, object)).toEqual([]);
  expect(cache.list()).toEqual([thing('a', '2', 10)]);
});

test('a deletion counts with the version of the object as with its own, and not where the object came back since', () => {
  const cache = cacheOfOne();
  expect(told(cache.apply('DELETED', thing('a', '1', 5)))).toEqual(['deleted a 1 5']);
  // As with a selector that it meets again.
  cache.apply('ADDED', thing('a', '1', 9));
  expect(cache.apply('DELETED', thing('a', '1', 8))).toEqual([]);
  expect(cache.size).toBe(1);
});

test('the deletion of a successor that was never seen is the deletion of what is held', () => {
  expect(told(cacheOfOne().apply('DELETED', thing('a', '2', 9)))).toEqual(['deleted a 1 5']);
});

test('a watch goes on from the newest of lists, events and bookmarks; a list may go back', () => {
  const cache = cacheOfOne();
  cache.moveTo('20');
  cache.moveTo('15');
  expect(cache.version).toBe('20');
  cache.replace([thing('a', '1', 3)], '4');
  expect(cache.version).toBe('4');
  expect(cache.get('a', 'payments')?.metadata.resourceVersion).toBe('3');
});

test('versions that are no numbers are taken in the order they come', () => {
  const cache = new ObjectCache<KubeObject>();
  cache.replace([thing('a', '1', 'x')], 'z');
  expect(told(cache.apply('MODIFIED', thing('a', '1', 'b')))).toEqual(['changed a 1 b']);
  expect(cache.apply('MODIFIED', thing('a', '1', 'b'))).toEqual([]);
  expect(told(cache.apply('DELETED', thing('a', '1', 'a')))).toEqual(['deleted a 1 a']);
  expect(cache.version).toBe('a');
});
