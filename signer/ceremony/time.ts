import type { Clock } from '../../common/clock.ts';

/** A signer's time never runs back: the later of the wall clock and the last time it wrote down. PROTOCOL.md 4. */
export class SignerTime {
  readonly #clock: Clock;
  #last: number;

  constructor(clock: Clock, lastSeconds: number) {
    this.#clock = clock;
    this.#last = lastSeconds;
  }

  /** Unix seconds. */
  seconds(): number {
    this.#last = Math.max(this.#last, Math.floor(this.#clock.now() / 1000));
    return this.#last;
  }
}
