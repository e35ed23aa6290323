import type { Clock } from '../../common/clock.ts';

/** One question to several peers. */
export class Question<T> {
  readonly #peers: readonly string[];
  readonly #given = new Map<string, T>();
  readonly #answered = Promise.withResolvers<ReadonlyMap<string, T>>();
  readonly #cancel: () => void;

  /** `timeout` in milliseconds, from now. */
  constructor(clock: Clock, peers: readonly string[], timeout: number) {
    this.#peers = peers;
    this.#cancel = clock.after(timeout, () =>
      this.#answered.reject(new Error(`no answer from ${this.#missing.join(', ')}`)),
    );
  }

  /** Everyone's answer, by name; rejects, with who gave none, when the time is over. */
  get answers(): Promise<ReadonlyMap<string, T>> {
    return this.#answered.promise;
  }

  /** Takes the last answer of each; of others, and after the end, none. */
  answer(peer: string, value: T): void {
    if (!this.#peers.includes(peer) || this.#missing.length === 0) return;
    this.#given.set(peer, value);
    if (this.#missing.length > 0) return;
    this.#cancel();
    this.#answered.resolve(this.#given);
  }

  get #missing(): readonly string[] {
    return this.#peers.filter((peer) => !this.#given.has(peer));
  }
}
