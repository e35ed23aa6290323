import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { closedLoop } from './closed-loop.ts';

it('keeps as many calls running as it was told, and no more', async () => {
  let [running, most, made] = [0, 0, 0];
  const { calls, perSecond } = await closedLoop(3, 0.05, async () => {
    most = Math.max(most, ++running);
    await setImmediate();
    running--;
    return ++made;
  });
  expect(most).toBe(3);
  expect(running).toBe(0);
  expect(perSecond).toBeGreaterThan(0);
  // What ended after the window was awaited and not counted.
  expect(made - calls.length).toBeGreaterThanOrEqual(0);
  expect(made - calls.length).toBeLessThanOrEqual(3);
  expect(calls.map(({ result }) => result)).toEqual(calls.map((_, i) => i + 1));
});

it('measures longer where calls go in step and few have ended', async () => {
  const { calls } = await closedLoop(4, 0, () => setImmediate());
  expect(calls).toHaveLength(8);
});

it('ends where a call fails', async () => {
  await expect(closedLoop(2, 5, () => Promise.reject(new Error('denied')))).rejects.toThrow('denied');
});
