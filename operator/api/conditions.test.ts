import { expect, test } from 'vitest';
import { conditionOf, setCondition } from './conditions.ts';
import type { Finding } from './conditions.ts';

const waiting: Finding = { type: 'Ready', status: 'False', reason: 'WaitingForSigners', message: 'client is starting' };
const ready: Finding = { type: 'Ready', status: 'True', reason: 'Ready', message: '3 of 3 signers' };
const noon = Date.parse('2026-11-01T12:00:00Z');

test('a new condition is added with the time and the generation it was decided for', () => {
  expect(setCondition(undefined, waiting, 1, noon)).toEqual([
    { ...waiting, lastTransitionTime: '2026-11-01T12:00:00Z', observedGeneration: 1 },
  ]);
});

test('lastTransitionTime stays while only reason, message or generation change', () => {
  const first = setCondition(undefined, waiting, 1, noon);
  const later = setCondition(first, { ...waiting, reason: 'GeneratingKeys', message: 'solana' }, 2, noon + 60_000);
  expect(later).toEqual([
    {
      ...waiting,
      reason: 'GeneratingKeys',
      message: 'solana',
      lastTransitionTime: '2026-11-01T12:00:00Z',
      observedGeneration: 2,
    },
  ]);
});

test('lastTransitionTime moves with the status', () => {
  const changed = setCondition(setCondition(undefined, waiting, 1, noon), ready, 1, noon + 60_000);
  expect(conditionOf(changed, 'Ready')?.lastTransitionTime).toBe('2026-11-01T12:01:00Z');
});

test('other conditions and the order stay', () => {
  const two = setCondition(setCondition(undefined, waiting, 1, noon), { ...ready, type: 'GenesisConfirmed' }, 1, noon);
  const changed = setCondition(two, ready, 1, noon);
  expect(changed.map(({ type, status }) => `${type}=${status}`)).toEqual(['Ready=True', 'GenesisConfirmed=True']);
  expect(changed[1]).toBe(two[1]);
});

test('a message longer than the schema takes is cut', () => {
  expect(
    conditionOf(setCondition(undefined, { ...ready, message: 'x'.repeat(5000) }, 1, noon), 'Ready')?.message,
  ).toHaveLength(4096);
});
