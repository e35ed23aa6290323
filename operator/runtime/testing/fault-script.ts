import fc from 'fast-check';
import { expect } from 'vitest';
import type { Change } from '../object-cache.ts';
import { watchFaults } from './api-state.ts';
import type { ApiState, RequestFault, Stored, WatchFault } from './api-state.ts';

/** One thing that happens to an API server, or a while in which nothing does. */
export type Step =
  | { readonly kind: 'put' | 'remove' | 'renew'; readonly name: string }
  | { readonly kind: 'compact' | 'restore' }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'watch'; readonly fault: WatchFault }
  | { readonly kind: 'request'; readonly fault: RequestFault };

const requestFaults: readonly RequestFault[] = [
  { kind: 'reset' },
  { kind: 'silent' },
  { kind: 'not json' },
  { kind: 'cut off' },
  { kind: 'status', status: 401, reason: 'Unauthorized' },
  { kind: 'status', status: 410, reason: 'Expired' },
  { kind: 'status', status: 429, reason: 'TooManyRequests', retryAfter: '7' },
  { kind: 'status', status: 500, reason: 'InternalError' },
];

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('put', 'put', 'remove', 'renew'),
      name: fc.constantFrom('a', 'b', 'c'),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('watch'), fault: fc.constantFrom(...watchFaults) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('request'), fault: fc.constantFrom(...requestFaults) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('compact', 'restore') }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('wait'), ms: fc.constantFrom(0, 150, 1_000, 40_000, 200_000) }),
  },
);

export const script: fc.Arbitrary<readonly Step[]> = fc.array(step, { maxLength: 40, size: 'max' });

/** Has `api` do what a step says, with objects under the path of a list; waiting is left to whoever has the clock. */
export function play(api: ApiState, list: string, given: Step): void {
  switch (given.kind) {
    case 'put':
      api.put(`${list}/${given.name}`, { spec: Math.random() });
      break;
    case 'remove':
      api.remove(`${list}/${given.name}`);
      break;
    case 'renew':
      api.remove(`${list}/${given.name}`);
      api.put(`${list}/${given.name}`);
      break;
    case 'compact':
      api.compact();
      break;
    case 'restore':
      api.restore();
      break;
    case 'watch':
      api.disturb(given.fault);
      break;
    case 'request':
      api.faults.push(given.fault);
      break;
    case 'wait':
      break;
  }
}

/** What whoever believed every change would hold; an object is added once, before it changes and is deleted. */
export function believed(changes: readonly Change<Stored>[]): readonly Stored[] {
  const held = new Map<string, Stored>();
  const seen = new Set<string>();
  for (const { type, object } of changes) {
    const { uid, name } = object.metadata;
    expect(seen.has(uid)).toBe(type !== 'added');
    expect(held.has(uid)).toBe(type !== 'added');
    if (type === 'added') expect([...held.values()].map(({ metadata }) => metadata.name)).not.toContain(name);
    seen.add(uid);
    if (type === 'deleted') held.delete(uid);
    else held.set(uid, object);
  }
  return byName(held.values());
}

export const byName = (objects: Iterable<Stored>): readonly Stored[] =>
  [...objects].toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name));
