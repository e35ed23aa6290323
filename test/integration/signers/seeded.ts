/** Random choices that a printed seed repeats: `HOLDFAST_SEED=<seed>` runs a test again with the same ones. */
export class Seeded {
  readonly seed: number;
  #state: number;

  constructor(what: string) {
    this.seed = Number(process.env['HOLDFAST_SEED'] ?? Math.floor(Math.random() * 2 ** 32)) >>> 0;
    this.#state = this.seed;
    console.log(`${what}: HOLDFAST_SEED=${this.seed}`);
  }

  /** In [0, 1): mulberry32, which is good enough to choose moments. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}
