import type { Clock } from '../../common/clock.ts';

const firstBackoffMs = 200;
const mostBackoffMs = 30_000;

/** A pause in milliseconds before try number `failures` + 1: it doubles, and no two callers wait equally long. */
export const backoffMs = (failures: number, random: () => number = Math.random): number =>
  Math.round(Math.min(mostBackoffMs, firstBackoffMs * 2 ** Math.max(0, failures - 1)) * (0.5 + random() / 2));

/** Resolves after `ms`, or when `signal` aborts: whoever waits looks at the signal next. */
export async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal.addEventListener('abort', done);
  });
}
