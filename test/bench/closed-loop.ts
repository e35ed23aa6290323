export type Measured<T> = {
  /** One a call that ended inside the window, in order of their ends; `ms` from its start to its end. */
  readonly calls: readonly { readonly ms: number; readonly result: T }[];
  readonly perSecond: number;
};

/**
 * Keeps `inFlight` calls running: each starts when one before it ends. The window is `seconds`, or longer until twice as many
 * have ended as are in flight: calls that go in step would else leave a short one empty. Calls that end after it are awaited
 * and not counted. Rejects where a call does.
 */
export async function closedLoop<T>(inFlight: number, seconds: number, call: () => Promise<T>): Promise<Measured<T>> {
  const calls: { ms: number; result: T }[] = [];
  const start = performance.now();
  let last = start;
  const open = (now: number): boolean => now < start + seconds * 1000 || calls.length < 2 * inFlight;
  const one = async (): Promise<void> => {
    for (let from = performance.now(); open(from);) {
      const result = await call();
      const now = performance.now();
      if (open(now)) {
        calls.push({ ms: now - from, result });
        last = now;
      }
      from = now;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
  return { calls, perSecond: calls.length / ((last - start) / 1000) };
}
