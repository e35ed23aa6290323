import { expect, test } from 'vitest';
import { createLog } from '../../common/log.ts';
import { manualClock, settle } from '../../common/testing/manual-clock.ts';
import type { KubeRequest, WatchEvent, WatchRequest } from './kube-client.ts';
import { KubeError } from './kube-error.ts';
import type { KubeObject } from './kube-object.ts';
import { Reflector } from './reflector.ts';

const path = '/apis/example.dev/v1/things';
const thing = (name: string, version: number): KubeObject => ({
  metadata: { name, uid: `uid-${name}`, resourceVersion: String(version) },
});
const page = (version: number, names: readonly string[], next?: string): unknown => ({
  metadata: { resourceVersion: String(version), continue: next },
  items: names.map((name) => thing(name, version)),
});
const answered = (status: number, retryAfterMs = 0): KubeError => new KubeError('no', { status, retryAfterMs });

type Watch = { readonly events?: readonly WatchEvent[]; readonly lives?: number; readonly error?: Error };

/** A reflector over a client that answers lists (or throws an error in their place) and watches in turn; the last of each is repeated. */
function reflecting(script: { readonly lists: readonly unknown[]; readonly watches: readonly Watch[] }) {
  const clock = manualClock();
  const asked: { readonly at: number; readonly what: 'list' | 'watch'; readonly query: KubeRequest['query'] }[] = [];
  const lists = [...script.lists];
  const watches = [...script.watches];
  const next = <T>(left: T[]): T => (left.length > 1 ? left.shift()! : left[0]!);
  const client = {
    async request({ query }: KubeRequest): Promise<unknown> {
      asked.push({ at: clock.monotonic(), what: 'list', query });
      const given = next(lists);
      if (given instanceof Error) throw given;
      return given;
    },
    async *watch({ query, signal }: WatchRequest): AsyncGenerator<WatchEvent, void, undefined> {
      asked.push({ at: clock.monotonic(), what: 'watch', query });
      const { events = [], lives, error } = next(watches);
      yield* events;
      if (lives === undefined && error === undefined)
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))));
      if (lives !== undefined) await new Promise<void>((resolve) => clock.after(lives, resolve));
      if (error) throw error;
    },
  };
  const told: string[] = [];
  const failures: string[] = [];
  const lines: string[] = [];
  const stop = new AbortController();
  const reflector = new Reflector<KubeObject>({
    name: 'things',
    client,
    path,
    selectors: { labelSelector: 'a=b' },
    onChange: ({ type, object }) => {
      told.push(`${type} ${object.metadata.name}`);
      if (object.metadata.name === 'poison') throw new Error('cannot');
    },
    clock,
    log: createLog((line) => lines.push(line)),
    meter: { listed: () => {}, watched: () => {}, failed: (_, reason) => failures.push(reason) },
    random: () => 1,
  });
  const ended = reflector.run(stop.signal);
  return {
    clock,
    asked,
    told,
    failures,
    lines,
    stop,
    reflector,
    ended,
    at: () => asked.map(({ at, what }) => `${what} ${at}`),
  };
}

test('it lists by pages, is synced when they are all told, and watches from the version of the list', async () => {
  const { asked, told, reflector, stop, ended } = reflecting({
    lists: [page(7, ['a', 'b'], 'more'), page(7, ['c'])],
    watches: [{ events: [{ type: 'ADDED', object: thing('d', 8) }] }],
  });
  expect(reflector.isSynced).toBe(false);
  await reflector.synced;
  expect(reflector.isSynced).toBe(true);
  await settle();
  expect(told).toEqual(['added a', 'added b', 'added c', 'added d']);
  expect(asked.map(({ query }) => query)).toEqual([
    { labelSelector: 'a=b', limit: 500, continue: undefined },
    { labelSelector: 'a=b', limit: 500, continue: 'more' },
    { labelSelector: 'a=b', resourceVersion: '7', allowWatchBookmarks: true, timeoutSeconds: 480 },
  ]);
  stop.abort();
  await ended;
});

test('it keeps no managed fields', async () => {
  const managed = (name: string, version: number): KubeObject => {
    const { metadata } = thing(name, version);
    return { spec: {}, metadata: { ...metadata, managedFields: [{ manager: 'kubectl' }] } } as KubeObject;
  };
  const { reflector, stop, ended } = reflecting({
    lists: [{ metadata: { resourceVersion: '7' }, items: [managed('a', 7)] }],
    watches: [{ events: [{ type: 'ADDED', object: managed('b', 8) }] }],
  });
  await settle();
  expect(reflector.cache.list()).toEqual([
    { spec: {}, ...thing('a', 7) },
    { spec: {}, ...thing('b', 8) },
  ]);
  stop.abort();
  await ended;
});

test('a page that is asked for too late has the list asked for whole', async () => {
  const { asked, told, stop, ended } = reflecting({
    lists: [page(7, ['a'], 'more'), answered(410), page(9, ['a', 'b'])],
    watches: [{}],
  });
  await settle();
  expect(asked.map(({ query }) => query?.['limit'])).toEqual([500, 500, undefined, undefined]);
  expect(told).toEqual(['added a', 'added b']);
  stop.abort();
  await ended;
});

test('a watch that ends goes on from the last bookmark, without a list', async () => {
  const { asked, clock, stop, ended } = reflecting({
    lists: [page(7, [])],
    watches: [{ events: [{ type: 'BOOKMARK', object: { metadata: { resourceVersion: '12' } } }], lives: 300_000 }, {}],
  });
  await clock.pass(301_000);
  expect(asked.map(({ what, query }) => `${what} ${query?.['resourceVersion']}`)).toEqual([
    'list undefined',
    'watch 7',
    'watch 12',
  ]);
  stop.abort();
  await ended;
});

test.each([
  [410, 'history that is gone'],
  [504, 'a version that a restored server calls too large'],
  [500, 'any other error of the server'],
  [403, 'a refusal'],
])('%i is answered by a list: %s', async (status) => {
  const { clock, stop, ended, at, failures, reflector } = reflecting({
    lists: [page(7, ['a']), page(3, ['b'])],
    watches: [{ error: answered(status) }, {}],
  });
  await clock.pass(200);
  expect(at()).toEqual(['list 0', 'watch 0', 'list 200', 'watch 200']);
  expect(failures).toEqual([String(status)]);
  expect(reflector.cache.list()).toEqual([thing('b', 3)]);
  stop.abort();
  await ended;
});

test.each(['Unreachable', 'Silent', 'Timeout'])('after %s the watch goes on without a list', async (reason) => {
  const { clock, stop, ended, at, failures } = reflecting({
    lists: [page(7, ['a'])],
    watches: [{ error: new KubeError('no', { reason }) }, {}],
  });
  await clock.pass(200);
  expect(at()).toEqual(['list 0', 'watch 0', 'watch 200']);
  expect(failures).toEqual([reason]);
  stop.abort();
  await ended;
});

test('failures in a row pause ever longer, up to half a minute', async () => {
  const { clock, stop, ended, at } = reflecting({ lists: [answered(500)], watches: [{}] });
  await clock.pass(100_000);
  expect(at()).toEqual([0, 200, 600, 1400, 3000, 6200, 12_600, 25_400, 51_000, 81_000].map((ms) => `list ${ms}`));
  stop.abort();
  await ended;
});

test('a server that ends watches at once is not asked in a storm', async () => {
  const { clock, stop, ended, at } = reflecting({ lists: [page(7, [])], watches: [{ lives: 0 }] });
  await clock.pass(10_000);
  expect(at()).toHaveLength(7);
  stop.abort();
  await ended;
});

test.each([
  ['lived for a while', { lives: 5_000 }],
  ['told something new', { events: [{ type: 'ADDED', object: thing('new', 1_000) }], lives: 0 }],
] as const)('the pause after a watch that %s is short again', async (_, sound) => {
  const broken = { error: new KubeError('no', { reason: 'Unreachable' }) };
  const { clock, stop, ended, asked } = reflecting({
    lists: [page(7, [])],
    watches: [broken, broken, broken, broken, sound, {}],
  });
  await clock.pass(20_000);
  const [before = 0, after = 0] = asked.slice(-2).map(({ at }) => at);
  expect(after - before).toBe((sound.lives ?? 0) + 200);
  stop.abort();
  await ended;
});

test('Retry-After is honoured, and a busy server is asked for no list in its stead', async () => {
  const { clock, stop, ended, at } = reflecting({
    lists: [answered(429, 3_000), page(7, [])],
    watches: [{ error: answered(429, 20_000) }, {}],
  });
  await clock.pass(60_000);
  expect(at()).toEqual(['list 0', 'list 3000', 'watch 3000', 'watch 23000']);
  stop.abort();
  await ended;
});

test('a handler that throws is logged, and told what comes next', async () => {
  const { told, lines, stop, ended } = reflecting({
    lists: [page(7, ['poison', 'b'])],
    watches: [{ events: [{ type: 'ADDED', object: thing('c', 8) }] }],
  });
  await settle();
  expect(told).toEqual(['added poison', 'added b', 'added c']);
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { level: 'error', message: 'handler of a change failed', object: 'poison', error: 'cannot' },
  ]);
  stop.abort();
  await ended;
});

test.each([
  ['a list that is none', { lists: [{ kind: 'Status' }, page(7, [])], watches: [{}] }],
  ['a list without a version', { lists: [{ items: [] }, page(7, [])], watches: [{}] }],
  [
    'objects without identity',
    { lists: [{ items: [{ metadata: {} }], metadata: { resourceVersion: '1' } }, page(7, [])], watches: [{}] },
  ],
  ['an event without identity', { lists: [page(7, [])], watches: [{ events: [{ type: 'ADDED', object: {} }] }, {}] }],
  [
    'a bookmark without a version',
    { lists: [page(7, [])], watches: [{ events: [{ type: 'BOOKMARK', object: {} }] }, {}] },
  ],
] as const)('%s is a failure, and listed anew', async (_, script) => {
  const { clock, stop, ended, failures, reflector, asked } = reflecting(script);
  await clock.pass(200);
  expect(failures).toEqual(['Malformed']);
  expect(reflector.isSynced).toBe(true);
  expect(asked.map(({ what }) => what).slice(-2)).toEqual(['list', 'watch']);
  stop.abort();
  await ended;
});

test('it ends while it waits, and leaves no timer', async () => {
  const { clock, stop, ended } = reflecting({ lists: [answered(500)], watches: [{}] });
  await clock.pass(300);
  stop.abort();
  await ended;
  expect(clock.pending()).toBe(0);
});
