import { describe, expect, test } from 'vitest';
import { manualClock, settle } from '../../common/testing/manual-clock.ts';
import { backoffMs, pause } from './backoff.ts';

describe('pauses', () => {
  test.each([
    [1, 100, 200],
    [2, 200, 400],
    [5, 1600, 3200],
    [9, 15_000, 30_000],
    [1000, 15_000, 30_000],
  ])('after %i failures: %i to %i ms', (failures, least, most) => {
    expect(backoffMs(failures, () => 0)).toBe(least);
    expect(backoffMs(failures, () => 1)).toBe(most);
  });

  test('end with their time or with the signal, and leave no timer', async () => {
    const clock = manualClock();
    const stop = new AbortController();
    const ended: string[] = [];
    void pause(clock, 100, stop.signal).then(() => ended.push('in time'));
    void pause(clock, 200, stop.signal).then(() => ended.push('stopped'));
    await clock.pass(100);
    expect(ended).toEqual(['in time']);
    stop.abort();
    await settle();
    expect(ended).toEqual(['in time', 'stopped']);
    await pause(clock, 100, stop.signal);
    expect(clock.pending()).toBe(0);
  });
});
