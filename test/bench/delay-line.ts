import type { Clock } from '../../common/clock.ts';

/**
 * Hands on what it is given `delayMs` later and in order. Nothing waits for what went before it: however much is under
 * way, each arrives when it is due, so it delays and does not throttle.
 */
export class DelayLine<T> {
  readonly #clock: Clock;
  readonly #delayMs: number;
  readonly #deliver: (item: T) => void;
  #underWay: { readonly due: number; readonly item: T }[] = [];
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, delayMs: number, deliver: (item: T) => void) {
    this.#clock = clock;
    this.#delayMs = delayMs;
    this.#deliver = deliver;
  }

  push(item: T): void {
    this.#underWay.push({ due: this.#clock.monotonic() + this.#delayMs, item });
    if (this.#cancel === undefined) this.#wait();
  }

  /** What is under way is lost. */
  clear(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#underWay = [];
  }

  #wait(): void {
    const [next] = this.#underWay;
    if (next === undefined) return;
    const left = Math.max(0, next.due - this.#clock.monotonic());
    this.#cancel = this.#clock.after(Math.ceil(left), () => this.#arrive());
  }

  #arrive(): void {
    this.#cancel = undefined;
    // Timers may fire up to a millisecond early: what is not due yet waits for the next one.
    const now = this.#clock.monotonic();
    const first = this.#underWay.findIndex(({ due }) => due > now);
    for (const { item } of this.#underWay.splice(0, first === -1 ? this.#underWay.length : first)) this.#deliver(item);
    if (this.#cancel === undefined) this.#wait();
  }
}
