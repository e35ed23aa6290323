import type { Clock } from '../clock.ts';

/** Time that passes when told to; what comes due runs, and what follows from it settles, before `pass` resolves. */
export function manualClock(
  start = 0,
): Clock & { readonly pass: (ms: number) => Promise<void>; readonly pending: () => number } {
  let now = start;
  const timers = new Set<{ readonly at: number; readonly run: () => void }>();
  return {
    now: () => now,
    monotonic: () => now,
    after(ms, run) {
      const timer = { at: now + ms, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    pending: () => timers.size,
    async pass(ms) {
      await settle();
      const end = now + ms;
      for (;;) {
        const next = [...timers].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        now = next.at;
        timers.delete(next);
        next.run();
        await settle();
      }
      now = end;
      await settle();
    },
  };
}

export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
