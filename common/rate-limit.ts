import type { Clock } from './clock.ts';

/** A token bucket for each name: `burst` at once, then `perSecond`. Names that are idle are forgotten. */
export class RateLimit {
  readonly #clock: Clock;
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  constructor(clock: Clock, burst: number, perSecond: number) {
    this.#clock = clock;
    this.#burst = burst;
    this.#perSecond = perSecond;
  }

  /** Takes a token of `name`; false where none is left. */
  allow(name: string): boolean {
    const now = this.#clock.monotonic();
    const { tokens, at } = this.#buckets.get(name) ?? { tokens: this.#burst, at: now };
    const left = Math.min(this.#burst, tokens + ((now - at) / 1000) * this.#perSecond);
    const allowed = left >= 1;
    this.#buckets.set(name, { tokens: allowed ? left - 1 : left, at: now });
    if (this.#buckets.size > 4096) this.#forgetIdle(now);
    return allowed;
  }

  #forgetIdle(now: number): void {
    const full = (this.#burst / this.#perSecond) * 1000;
    for (const [name, { at }] of this.#buckets) if (now - at > full) this.#buckets.delete(name);
  }
}
