import { expect, it } from 'vitest';
import { inLanes } from './lanes.ts';

it('runs every job once, no more at a time than there are lanes', async () => {
  const done: number[] = [];
  let [now, most] = [0, 0];
  await inLanes(
    [1, 2, 3, 4, 5],
    async (item) => {
      most = Math.max(most, ++now);
      await Promise.resolve();
      now--;
      done.push(item);
    },
    2,
  );
  expect(done.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
  expect(most).toBe(2);
});

it('begins nothing more after a job that fails, and says why', async () => {
  const begun: number[] = [];
  const failing = inLanes(
    [1, 2, 3],
    async (item) => {
      begun.push(item);
      if (item === 1) throw new Error('first fails');
    },
    1,
  );
  await expect(failing).rejects.toThrow('first fails');
  expect(begun).toEqual([1]);
});
