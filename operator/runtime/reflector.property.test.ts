import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../common/log.ts';
import { settle } from '../../common/testing/manual-clock.ts';
import { KubeClient } from './kube-client.ts';
import type { Change } from './object-cache.ts';
import { Reflector } from './reflector.ts';
import { ApiServer } from './testing/api-server.ts';
import type { RequestFault, Stored, WatchFault } from './testing/api-server.ts';
import { hastyClock } from './testing/hasty-clock.ts';

type Step =
  | { readonly kind: 'put' | 'remove' | 'renew'; readonly name: string }
  | { readonly kind: 'compact' | 'restore' | 'breathe' }
  | { readonly kind: 'watch'; readonly fault: WatchFault }
  | { readonly kind: 'request'; readonly fault: RequestFault };

const names = ['a', 'b', 'c'];
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constantFrom('put', 'remove', 'renew'), name: fc.constantFrom(...names) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('breathe') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('compact', 'restore') }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('watch'),
      fault: fc.constantFrom<WatchFault[]>(
        'reset',
        'end',
        'silent',
        'bookmark',
        'cut off',
        'not json',
        'expired',
        'error',
        'repeat last',
        'repeat all',
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('request'),
      fault: fc.constantFrom<RequestFault[]>(
        { kind: 'reset' },
        { kind: 'silent' },
        { kind: 'not json' },
        { kind: 'cut off' },
        { kind: 'status', status: 401, reason: 'Unauthorized' },
        { kind: 'status', status: 410, reason: 'Expired' },
        { kind: 'status', status: 429, reason: 'TooManyRequests', retryAfter: '1' },
        { kind: 'status', status: 500, reason: 'InternalError' },
      ),
    }),
  },
);

let list = '';
let server: ApiServer;
let runs = 0;
beforeAll(async () => {
  server = await new ApiServer().start();
});
afterAll(() => server.close());

function play(step: Step): void {
  switch (step.kind) {
    case 'put':
      server.put(`${list}/${step.name}`, { spec: Math.random() });
      break;
    case 'remove':
      server.remove(`${list}/${step.name}`);
      break;
    case 'renew':
      server.remove(`${list}/${step.name}`);
      server.put(`${list}/${step.name}`);
      break;
    case 'compact':
      server.compact();
      break;
    case 'restore':
      server.restore();
      break;
    case 'watch':
      server.disturb(step.fault);
      break;
    case 'request':
      server.faults.push(step.fault);
      break;
    case 'breathe':
      break;
  }
}

/** What whoever believed every change would hold, by uid. */
function believed(changes: readonly Change<Stored>[]): ReadonlyMap<string, Stored> {
  const held = new Map<string, Stored>();
  const seen = new Set<string>();
  for (const { type, object } of changes) {
    const { uid, name } = object.metadata;
    // An object is added once, before it changes and is deleted, and its successor comes after that.
    expect(seen.has(uid)).toBe(type !== 'added');
    expect(held.has(uid)).toBe(type !== 'added');
    seen.add(uid);
    if (type === 'added') expect([...held.values()].map(({ metadata }) => metadata.name)).not.toContain(name);
    if (type === 'deleted') held.delete(uid);
    else held.set(uid, object);
  }
  return held;
}

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const sorted = (objects: Iterable<Stored>): readonly Stored[] =>
  [...objects].toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name));

test('after any faults the cache is what the server has, and each change towards it was told', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { maxLength: 40, size: 'max' }), async (script) => {
      list = `/apis/example.dev/v1/namespaces/run-${++runs}/things`;
      const clock = hastyClock(4000);
      const client = new KubeClient({ credentials: server.credentials, clock, userAgent: 'test' });
      const changes: Change<Stored>[] = [];
      let told = 0;
      const reflector = new Reflector<Stored>({
        name: 'things',
        client,
        path: list,
        clock,
        log: silentLog,
        onChange: (change) => {
          changes.push(change);
          if (++told % 3 === 0) throw new Error('a handler that fails now and then');
        },
      });
      const stop = new AbortController();
      const running = reflector.run(stop.signal);
      server.put(`${list}/a`);
      for (const step of script) {
        // A fault that finds no watch open is none.
        for (let i = 0; step.kind === 'watch' && server.watching === 0 && i < 5; i++) await delay(1);
        play(step);
        await (step.kind === 'breathe' ? delay(3) : settle());
      }
      server.faults.length = 0;
      await expect
        .poll(() => [sorted(reflector.cache.list()), reflector.isSynced], { interval: 5 })
        .toEqual([sorted(server.stored(list).values()), true]);
      expect(sorted(believed(changes).values())).toEqual(sorted(server.stored(list).values()));
      stop.abort();
      await running;
      client.close();
    }),
    { numRuns: 25, endOnFailure: true },
  );
});
