export type Measured<T> = {
  /** One a call that ended inside the window, in order of their ends; `ms` from its start to its end. */
  readonly calls: readonly { readonly ms: number; readonly result: T }[];
  readonly perSecond: number;
};

/**
 * Keeps `inFlight` calls running for `seconds`: each starts when one before it ends. Calls that end after the window
 * are awaited and not counted. Rejects where a call does.
 */
export async function closedLoop<T>(inFlight: number, seconds: number, call: () => Promise<T>): Promise<Measured<T>> {
  const calls: { ms: number; result: T }[] = [];
  const start = performance.now();
  const end = start + seconds * 1000;
  let last = start;
  const one = async (): Promise<void> => {
    for (let from = performance.now(); from < end;) {
      const result = await call();
      const now = performance.now();
      if (now <= end) {
        calls.push({ ms: now - from, result });
        last = now;
      }
      from = now;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
  // Over the window, but never over time in which nothing could have ended: one slow call must not count as none.
  return { calls, perSecond: calls.length === 0 ? 0 : calls.length / ((last - start) / 1000) };
}
