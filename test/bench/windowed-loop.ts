/** Calls that ended inside one window. */
export type Window<T> = {
  /** From 1. */
  readonly number: number;
  readonly seconds: number;
  readonly calls: readonly { readonly ms: number; readonly result: T }[];
};

/**
 * Keeps `inFlight` calls running for `windows` windows of `windowMs`, and gives each window's calls as it ends; of them it
 * keeps nothing, so that an hour takes no more memory than a minute. Calls that end after the last are awaited and
 * not counted. Rejects where a call, or `onWindow`, does.
 */
export async function windowedLoop<T>(
  { inFlight, windows, windowMs }: { readonly inFlight: number; readonly windows: number; readonly windowMs: number },
  call: () => Promise<T>,
  onWindow: (window: Window<T>) => void | Promise<void>,
): Promise<void> {
  let [number, open] = [0, true];
  let calls: { ms: number; result: T }[] = [];
  let from = performance.now();
  const one = async (): Promise<void> => {
    while (open) {
      const start = performance.now();
      const result = await call();
      calls.push({ ms: performance.now() - start, result });
    }
  };
  const all = async (run: () => Promise<void>): Promise<void> => {
    try {
      await run();
    } finally {
      open = false;
    }
  };
  const { promise: failed, reject } = Promise.withResolvers<never>();
  failed.catch(() => {});
  const workers = Array.from({ length: inFlight }, () => all(one));
  for (const worker of workers) worker.catch(reject);
  const timed = all(async () => {
    while (number < windows && open) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, windowMs);
      await Promise.race([promise, failed]).finally(() => clearTimeout(timer));
      const now = performance.now();
      const window = { number: ++number, seconds: (now - from) / 1000, calls };
      [calls, from] = [[], now];
      await onWindow(window);
    }
  });
  const results = await Promise.allSettled([timed, ...workers]);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
