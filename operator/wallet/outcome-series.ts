import type { Clock } from '../../common/clock.ts';
import { keyString } from '../api/resource.ts';
import type { Key } from '../api/resource.ts';
import type { EventReason } from '../api/reasons.ts';
import type { EventType } from '../store/resource-store.ts';

/** At most one event of a reason and object is written in this time. Milliseconds. */
const periodMs = 60_000;

type Write = (key: Key, type: EventType, reason: EventReason, message: string) => void;
type Series = { more: number; last: { readonly type: EventType; readonly message: string } | undefined };

/** Events that may come in thousands: the first is written at once, what follows within a minute as one with its number. */
export class OutcomeSeries {
  readonly #clock: Clock;
  readonly #write: Write;
  readonly #series = new Map<string, Series>();
  readonly #timers = new Set<() => void>();

  constructor(clock: Clock, write: Write) {
    this.#clock = clock;
    this.#write = write;
  }

  add(key: Key, type: EventType, reason: EventReason, message: string): void {
    const name = `${keyString(key)} ${reason}`;
    const known = this.#series.get(name);
    if (known !== undefined) {
      known.more++;
      known.last = { type, message };
      return;
    }
    this.#write(key, type, reason, message);
    this.#open(name, key, reason);
  }

  close(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }

  #open(name: string, key: Key, reason: EventReason): void {
    const series: Series = { more: 0, last: undefined };
    this.#series.set(name, series);
    const cancel = this.#clock.after(periodMs, () => {
      this.#timers.delete(cancel);
      this.#series.delete(name);
      if (series.last === undefined) return;
      const { type, message } = series.last;
      this.#write(key, type, reason, series.more === 1 ? message : `${message} (and ${series.more - 1} more since)`);
      this.#open(name, key, reason);
    });
    this.#timers.add(cancel);
  }
}
