import { expect, it } from 'vitest';
import { retryPause } from './keygen-failure.ts';

it('waits twice as long after each failure, half a minute at most', () => {
  expect([0, 1, 2, 3, 4, 7, 8, 1_000_000].map((failures) => retryPause(failures, 1))).toEqual([
    300, 300, 600, 1_200, 2_400, 19_200, 30_000, 30_000,
  ]);
  expect(retryPause(9, 0)).toBe(22_500);
});
