import type { Clock } from '../../common/clock.ts';
import type { Step } from './meter.ts';

/** Milliseconds a request spent in each step; a step entered twice adds up. */
export class Stopwatch {
  readonly #clock: Clock;
  readonly #start: number;
  readonly #spent = new Map<Step, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#start = clock.monotonic();
  }

  async time<T>(step: Step, run: () => Promise<T>): Promise<T> {
    const start = this.#clock.monotonic();
    try {
      return await run();
    } finally {
      this.#add(step, this.#clock.monotonic() - start);
    }
  }

  timeSync<T>(step: Step, run: () => T): T {
    const start = this.#clock.monotonic();
    try {
      return run();
    } finally {
      this.#add(step, this.#clock.monotonic() - start);
    }
  }

  get steps(): ReadonlyMap<Step, number> {
    return this.#spent;
  }

  get total(): number {
    return this.#clock.monotonic() - this.#start;
  }

  /** As replies carry it: the steps and `total`. */
  durations(): Record<string, number> {
    return { ...Object.fromEntries(this.#spent), total: this.total };
  }

  #add(step: Step, ms: number): void {
    this.#spent.set(step, (this.#spent.get(step) ?? 0) + ms);
  }
}
