import type { Clock } from '../../../common/clock.ts';

/**
 * The system's clock so many times as fast: what waits for minutes beside real sockets waits for milliseconds; below 1,
 * so much slower.
 */
export const hastyClock = (times: number): Clock => ({
  now: () => Date.now(),
  monotonic: () => performance.now() * times,
  after(ms, run) {
    const timer = setTimeout(run, ms / times);
    return () => clearTimeout(timer);
  },
});
