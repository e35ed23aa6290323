import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Log } from '../../common/log.ts';
import { backoffMs } from './backoff.ts';
import type { ControllerMeter, ReconcileResult } from './controller-metrics.ts';
import { isConflict, retryAfterMsOf } from './kube-error.ts';
import { WorkQueue } from './work-queue.ts';

export type ControllerOptions = {
  /** As its series are labelled; lower case, as controller-runtime has it. */
  readonly name: string;
  /** Most objects that are looked at at once. */
  readonly workers: number;
  /**
   * Looks at one object, which may be gone, and brings it a step nearer to what it should be; resolves with
   * milliseconds until the next look, or undefined for none. It may run any number of times: what it does must be
   * idempotent. One that rejects is tried again, later each time, and no sooner than an error's `retryAfterMs`.
   */
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<number | undefined>;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: ControllerMeter;
  readonly signal: AbortSignal;
};

export type Controller = {
  /** Has the object looked at, at once or within `afterMs`, however often it is added meanwhile. */
  add(key: string, afterMs?: number): void;
  /** Begins no further look and resolves when the last is over. */
  stop(): Promise<void>;
};

/** Looks at objects by their keys, at each once at a time, as soon as they are added. */
export function startController(options: ControllerOptions): Controller {
  const { name, workers, reconcile, clock, log, meter, signal } = options;
  const queue = new WorkQueue({
    clock,
    workers,
    backoff: (failures, error) => Math.max(backoffMs(failures), retryAfterMsOf(error)),
    onError: (key, error, retryInMs) => {
      // Another writer was first: nothing is wrong, and the next look sees what it wrote.
      const level = isConflict(error) ? 'debug' : 'error';
      log[level]('reconcile failed', { object: key, error: messageOf(error), retryInMs });
    },
    work: async (key, waitedMs) => {
      if (signal.aborted) return undefined;
      meter.began(name, waitedMs / 1000);
      const began = clock.monotonic();
      let result: ReconcileResult = 'error';
      try {
        const next = await reconcile(key, signal);
        result = next === undefined ? 'success' : 'requeue_after';
        return next;
      } catch (error) {
        if (signal.aborted) return undefined;
        throw error;
      } finally {
        meter.reconciled(name, result, (clock.monotonic() - began) / 1000);
      }
    },
  });
  meter.started(name, queue);
  return {
    add(key, afterMs) {
      meter.added(name);
      queue.add(key, afterMs);
    },
    stop: () => queue.stop(),
  };
}
