import type { Clock } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import type { Log } from '../common/log.ts';
import { keyOf, keyString, parseKeyString } from './api/resource.ts';
import type { Key, Kind } from './api/resource.ts';
import { startController } from './runtime/controller.ts';
import type { ControllerMeter } from './runtime/controller-metrics.ts';
import type { ResourceStore } from './store/resource-store.ts';
import { Wakes } from './wakes.ts';

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
  readonly meter: ControllerMeter;
  readonly signal: AbortSignal;
  /** Objects to look at beside those that the store has. */
  readonly others?: () => Promise<readonly Key[]>;
};

/** At work at once, of each kind. Work mostly waits for signers. */
const workers = 16;
/**
 * Looks that nothing but time asks for, a second, at all calm objects of a kind together, and as many at those that are at
 * work, whose pauses are shorter: of many each is looked at more seldom, so that an operator has time for what happens.
 */
const idleLooks = 100;
const calmMs = 1_000;
/** Every object is looked at again within so long, whatever was missed. Milliseconds. */
const resyncMs = 60_000;

/** Runs the controllers until `signal` aborts or the store's changes end by an error; resolves when all work is done. */
export async function runOperator(options: OperatorOptions): Promise<void> {
  const { store, controllers, clock, log, meter, signal, others } = options;
  const running = new Map(
    controllers.map((controller) => [
      controller.kind,
      startController({
        name: controller.kind.toLowerCase(),
        workers,
        reconcile: spread((key, signal) => controller.reconcile(parseKeyString(key), signal)),
        clock,
        log,
        meter,
        signal,
      }),
    ]),
  );
  const wakes = new Wakes(store);
  const add = (key: Key, afterMs?: number): void => running.get(key.kind)?.add(keyString(key), afterMs);

  let cancelResync = (): void => {};
  const resync = (): void => {
    cancelResync = clock.after(resyncMs, () => {
      resync();
      everything().then(
        // Not all at once.
        (all) => all.forEach((key, i) => add(key, (i / all.length) * resyncMs)),
        (error: unknown) => log.warn('resync failed', { error: messageOf(error) }),
      );
    });
  };
  const everything = async (): Promise<readonly Key[]> => {
    const lists = await Promise.all([...running.keys()].map((kind) => store.list(kind)));
    return [...lists.flat().map((object) => keyOf(object)), ...((await others?.()) ?? [])];
  };
  resync();
  try {
    for (const key of (await others?.()) ?? []) add(key);
    for await (const key of store.changes(signal)) {
      add(key);
      for (const other of await wakes.of(key)) add(other);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    cancelResync();
    await Promise.all([...running.values()].map((controller) => controller.stop()));
    log.debug('controllers stopped');
  }
}

type Reconcile = (key: string, signal: AbortSignal) => Promise<number | undefined>;

/** Makes pauses longer the more objects there are that want one. */
function spread(reconcile: Reconcile): Reconcile {
  const calm = new Set<string>();
  const busy = new Set<string>();
  return async (key, signal) => {
    const next = await reconcile(key, signal);
    calm.delete(key);
    busy.delete(key);
    if (next === undefined) return undefined;
    const alike = next < calmMs ? busy : calm;
    alike.add(key);
    return Math.max(next, (alike.size / idleLooks) * 1000);
  };
}
