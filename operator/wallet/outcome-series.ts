import type { Clock } from '../../common/clock.ts';
import { keyString } from '../api/resource.ts';
import type { Key } from '../api/resource.ts';
import type { EventReason } from '../api/reasons.ts';
import type { EventType } from '../store/resource-store.ts';

/** Of a reason and object at most one event is written in this time. Milliseconds. */
const periodMs = 60_000;
/** So many of those held back are told of in words, latest first. */
const mostTold = 3;
/** Held back to be written last; of more only their number is kept. */
const mostHeld = 1_000;

/** What happened, `at` in milliseconds since the epoch; `about` names it among others of its reason. */
export type Outcome = {
  readonly type: EventType;
  readonly reason: EventReason;
  readonly message: string;
  readonly at: number;
  readonly about: string;
};

type Series = { more: number; readonly held: Map<string, Outcome> };

/** Events that may come in thousands: the first is written at once, what follows within a minute as one with its number. */
export class OutcomeSeries {
  readonly #clock: Clock;
  readonly #write: (key: Key, outcome: Outcome) => void;
  readonly #series = new Map<string, Series>();
  readonly #timers = new Set<() => void>();

  constructor(clock: Clock, write: (key: Key, outcome: Outcome) => void) {
    this.#clock = clock;
    this.#write = write;
  }

  add(key: Key, outcome: Outcome): void {
    const name = nameOf(key, outcome.reason);
    const series = this.#series.get(name);
    if (series === undefined) {
      this.#open(name, key);
      this.#write(key, outcome);
      return;
    }
    series.held.delete(outcome.about);
    series.held.set(outcome.about, outcome);
    const [oldest] = series.held.keys();
    if (series.held.size <= mostHeld || oldest === undefined) return;
    series.held.delete(oldest);
    series.more++;
  }

  /** What is no news any more is not written if it was not yet. */
  withdraw(key: Key, reason: EventReason, about: string): void {
    this.#series.get(nameOf(key, reason))?.held.delete(about);
  }

  close(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }

  #open(name: string, key: Key): void {
    const series: Series = { more: 0, held: new Map() };
    this.#series.set(name, series);
    const cancel = this.#clock.after(periodMs, () => {
      this.#timers.delete(cancel);
      this.#series.delete(name);
      const told = [...series.held.values()].toReversed().slice(0, mostTold);
      const [last] = told;
      if (last === undefined) return;
      const more = series.more + series.held.size - told.length;
      const message = `${told.map((outcome) => outcome.message).join('; ')}${more === 0 ? '' : `; and ${more} more since`}`;
      this.#write(key, { ...last, message });
      this.#open(name, key);
    });
    this.#timers.add(cancel);
  }
}

const nameOf = (key: Key, reason: EventReason): string => `${keyString(key)} ${reason}`;
