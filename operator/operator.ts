import type { Clock } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import type { Log } from '../common/log.ts';
import { keyOf, keyString, parseKeyString } from './api/resource.ts';
import type { Key, Kind } from './api/resource.ts';
import type { OperatorMeter } from './operator-metrics.ts';
import type { ResourceStore } from './store/resource-store.ts';
import { wakes } from './wakes.ts';
import { WorkQueue } from './work-queue.ts';

/** Brings objects of one kind to what they should be, each looked at anew every time. */
export type Controller = {
  readonly kind: Kind;
  /** Looks at one object, which may be gone; resolves with milliseconds until the next look, or undefined for none. */
  reconcile(key: Key, signal: AbortSignal): Promise<number | undefined>;
};

export type OperatorOptions = {
  readonly store: ResourceStore;
  readonly controllers: readonly Controller[];
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: OperatorMeter;
  readonly signal: AbortSignal;
  /** Objects to look at beside those that the store has. */
  readonly others?: () => Promise<readonly Key[]>;
};

/** At work at once, of each kind. Work mostly waits for signers. */
const workers = 16;
/** Every object is looked at again after so long, whatever was missed. Milliseconds. */
const resyncMs = 60_000;

/** Runs the controllers until `signal` aborts or the store's changes end by an error; resolves when all work is done. */
export async function runOperator(options: OperatorOptions): Promise<void> {
  const { store, controllers, clock, log, meter, signal, others } = options;
  const queues = new Map(controllers.map((controller) => [controller.kind, queueOf(controller, options)]));
  const add = (key: Key): void => {
    meter.added(key.kind);
    queues.get(key.kind)?.add(keyString(key));
  };
  meter.observeQueues(queues);

  let cancelResync = (): void => {};
  const resync = (): void => {
    cancelResync = clock.after(resyncMs, () => {
      resync();
      everything().then(
        (all) => all.forEach(add),
        (error: unknown) => log.warn('resync failed', { error: messageOf(error) }),
      );
    });
  };
  const everything = async (): Promise<readonly Key[]> => {
    const lists = await Promise.all([...queues.keys()].map((kind) => store.list(kind)));
    return [...lists.flat().map((object) => keyOf(object)), ...((await others?.()) ?? [])];
  };
  resync();
  try {
    for (const key of (await others?.()) ?? []) add(key);
    for await (const key of store.changes(signal)) {
      add(key);
      for (const other of await wakes(store, key)) add(other);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    cancelResync();
    await Promise.all([...queues.values()].map((queue) => queue.stop()));
    log.debug('controllers stopped');
  }
}

function queueOf(controller: Controller, { clock, log, meter, signal }: OperatorOptions): WorkQueue {
  const { kind } = controller;
  return new WorkQueue({
    clock,
    workers,
    onError: (item, error, retryInMs) =>
      log.error('reconcile failed', { object: item, error: messageOf(error), retryInMs }),
    work: async (item, waitedMs) => {
      if (signal.aborted) return undefined;
      meter.began(kind, waitedMs / 1000);
      const started = clock.monotonic();
      let result: 'success' | 'error' | 'requeue_after' = 'error';
      try {
        const next = await controller.reconcile(parseKeyString(item), signal);
        result = next === undefined ? 'success' : 'requeue_after';
        return next;
      } catch (error) {
        if (signal.aborted) return undefined;
        throw error;
      } finally {
        meter.reconciled(kind, result, (clock.monotonic() - started) / 1000);
      }
    },
  });
}
