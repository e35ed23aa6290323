import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { windowedLoop, type Window } from './windowed-loop.ts';

it('keeps as many calls running as it was told, over all windows, and counts each in one of them', async () => {
  let [running, most, made] = [0, 0, 0];
  const windows: Window<number>[] = [];
  await windowedLoop(
    { inFlight: 3, windows: 4, windowMs: 10 },
    async () => {
      most = Math.max(most, ++running);
      await setImmediate();
      running--;
      return ++made;
    },
    (window) => void windows.push(window),
  );
  expect([most, running]).toEqual([3, 0]);
  expect(windows.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
  const counted = windows.flatMap(({ calls }) => calls.map(({ result }) => result));
  expect(counted).toEqual(counted.map((_, i) => i + 1));
  // What ended after the last window was awaited and not counted.
  expect(made - counted.length).toBeGreaterThanOrEqual(0);
  expect(made - counted.length).toBeLessThanOrEqual(3);
});

it('goes on measuring while a window is looked at', async () => {
  const counts: number[] = [];
  let made = 0;
  await windowedLoop(
    { inFlight: 1, windows: 2, windowMs: 1 },
    async () => {
      await setImmediate();
      made++;
    },
    async ({ number, calls }) => {
      counts.push(calls.length);
      const before = made;
      while (number === 1 && made < before + 5) await setImmediate();
    },
  );
  expect(counts[1]).toBeGreaterThanOrEqual(5);
});

it('ends where a call fails, or what looks at a window', async () => {
  const never = (): never => {
    throw new Error('no window was to end');
  };
  const long = { inFlight: 2, windows: 2, windowMs: 60_000 };
  await expect(windowedLoop(long, () => Promise.reject(new Error('denied')), never)).rejects.toThrow('denied');
  await expect(windowedLoop({ inFlight: 2, windows: 2, windowMs: 1 }, () => setImmediate(), never)).rejects.toThrow(
    'no window was to end',
  );
});
