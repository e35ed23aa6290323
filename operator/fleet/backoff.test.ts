import { expect, it } from 'vitest';
import { backoff } from './backoff.ts';

it.each([
  [0, 800, 1_200],
  [1, 1_600, 2_400],
  [3, 6_400, 9_600],
  [6, 30_000, 30_000],
  [10_000, 30_000, 30_000],
])('after %i failures in a row, pauses from %i to %i ms', (failures, least, most) => {
  expect(backoff(failures, 0)).toBe(least);
  expect(backoff(failures, 1 - Number.EPSILON)).toBe(most);
});
