import type { Clock } from '../../common/clock.ts';
import { backoffMs } from './backoff.ts';

type Item = {
  /** When work on it began, on the monotonic clock; undefined while it waits. */
  beganAt: number | undefined;
  again: boolean;
  failures: number;
  dueAt: number;
  cancel: (() => void) | undefined;
};

export type WorkQueueOptions = {
  readonly clock: Clock;
  /** Most items at work at once. */
  readonly workers: number;
  /**
   * Works on one item that waited so many milliseconds for a worker; resolves with milliseconds until it is due again,
   * or undefined. One that rejects is tried again.
   */
  readonly work: (item: string, waitedMs: number) => Promise<number | undefined>;
  readonly onError: (item: string, error: unknown, retryInMs: number) => void;
  /** Milliseconds until an item that failed so often in a row is tried again; {@link backoffMs} where absent. */
  readonly backoff?: (failures: number, error: unknown) => number;
};

/** Items by name, each at work at most once at a time; one added while at work is worked on again afterwards. */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #items = new Map<string, Item>();
  readonly #ready: string[] = [];
  #working = 0;
  #stopped = false;
  readonly #idle = Promise.withResolvers<void>();

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Items that wait for a worker. */
  get depth(): number {
    return this.#ready.length;
  }

  /** Most items at work at once. */
  get workers(): number {
    return this.#options.workers;
  }

  get working(): number {
    return this.#working;
  }

  /** Milliseconds since work on each item now at work began. */
  workedMs(): readonly number[] {
    const now = this.#options.clock.monotonic();
    return [...this.#items.values()].flatMap(({ beganAt }) => (beganAt === undefined ? [] : [now - beganAt]));
  }

  /** Has `name` worked on, at once or in `afterMs`; the earlier of two stays. */
  add(name: string, afterMs = 0): void {
    if (this.#stopped) return;
    const item = this.#items.get(name) ?? {
      beganAt: undefined,
      again: false,
      failures: 0,
      dueAt: Number.POSITIVE_INFINITY,
      cancel: undefined,
    };
    this.#items.set(name, item);
    if (item.beganAt !== undefined && afterMs === 0) {
      item.again = true;
      return;
    }
    const { clock } = this.#options;
    const dueAt = clock.monotonic() + afterMs;
    if (dueAt >= item.dueAt) return;
    item.cancel?.();
    item.cancel = undefined;
    item.dueAt = dueAt;
    if (afterMs === 0) {
      this.#ready.push(name);
      this.#turn();
      return;
    }
    item.cancel = clock.after(afterMs, () => {
      item.cancel = undefined;
      item.dueAt = Number.POSITIVE_INFINITY;
      this.add(name);
    });
  }

  /** Takes no more work and resolves when the last worker is done. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const item of this.#items.values()) item.cancel?.();
    this.#ready.length = 0;
    if (this.#working > 0) await this.#idle.promise;
  }

  #turn(): void {
    while (!this.#stopped && this.#working < this.#options.workers) {
      const name = this.#ready.shift();
      if (name === undefined) return;
      const item = this.#items.get(name);
      if (item !== undefined) void this.#work(name, item);
    }
  }

  async #work(name: string, item: Item): Promise<void> {
    const { clock, work, onError, backoff } = this.#options;
    item.beganAt = clock.monotonic();
    const waitedMs = item.beganAt - item.dueAt;
    item.dueAt = Number.POSITIVE_INFINITY;
    item.cancel = undefined;
    this.#working++;
    let next: number | undefined;
    try {
      next = await work(name, waitedMs);
      item.failures = 0;
    } catch (error) {
      item.failures++;
      next = backoff?.(item.failures, error) ?? backoffMs(item.failures);
      if (!this.#stopped) onError(name, error, next);
    }
    this.#working--;
    item.beganAt = undefined;
    const again = item.again;
    item.again = false;
    if (again) this.add(name);
    else if (next !== undefined) this.add(name, next);
    else if (item.dueAt === Number.POSITIVE_INFINITY) this.#items.delete(name);
    this.#turn();
    if (this.#stopped && this.#working === 0) this.#idle.resolve();
  }
}
