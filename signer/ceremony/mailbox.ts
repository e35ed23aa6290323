import { isDeepStrictEqual } from 'node:util';

/**
 * Messages of one ceremony by round and sender: each sender has one message a round, and what arrives before
 * its round is asked for waits. A different second message of a round is the sender's fault and ends the ceremony;
 * once a round was given out, nothing of it is kept or taken any more.
 */
export class Mailbox<Rounds extends Record<string, unknown>> {
  readonly #kept = new Map<string, unknown>();
  readonly #given = new Set<string>();
  #waiting: { readonly round: string; readonly from: readonly string[]; readonly done: () => void } | undefined;
  #failed: Error | undefined;
  #fail: ((error: Error) => void) | undefined;

  put<R extends keyof Rounds & string>(round: R, from: string, message: Rounds[R]): void {
    if (this.#given.has(round)) return;
    const id = `${round}\n${from}`;
    const known = this.#kept.get(id);
    if (known === undefined) this.#kept.set(id, message);
    else if (!isDeepStrictEqual(known, message))
      this.fail(new Error(`${from} sent two different messages of ${round}`));
    if (this.#waiting !== undefined && this.#missing(this.#waiting.round, this.#waiting.from).length === 0)
      this.#waiting.done();
  }

  /** Gives out the messages of `round`, once, when all of `from` are there. Rejects when the ceremony fails. */
  async all<R extends keyof Rounds & string>(
    round: R,
    from: readonly string[],
  ): Promise<ReadonlyMap<string, Rounds[R]>> {
    if (this.#failed !== undefined) throw this.#failed;
    if (this.#missing(round, from).length > 0)
      await new Promise<void>((resolve, reject) => {
        this.#waiting = { round, from, done: resolve };
        this.#fail = reject;
      });
    this.#waiting = undefined;
    this.#fail = undefined;
    this.#given.add(round);
    const messages = new Map(from.map((name) => [name, this.#kept.get(`${round}\n${name}`) as Rounds[R]]));
    for (const name of from) this.#kept.delete(`${round}\n${name}`);
    return messages;
  }

  /** Whom the ceremony waits for, and in which round; empty while it waits for nobody. */
  get waitsFor(): { readonly round: string; readonly from: readonly string[] } {
    if (this.#waiting === undefined) return { round: '', from: [] };
    return { round: this.#waiting.round, from: this.#missing(this.#waiting.round, this.#waiting.from) };
  }

  /** Ends the ceremony: whatever waits or will wait gets `error`. */
  fail(error: Error): void {
    this.#failed ??= error;
    this.#fail?.(this.#failed);
  }

  #missing(round: string, from: readonly string[]): string[] {
    return from.filter((name) => !this.#kept.has(`${round}\n${name}`));
  }
}
