/**
 * Messages of one ceremony by round and sender: each sender has one message a round, and what arrives before
 * its round is asked for waits. A different second message of a round is the sender's fault and ends the ceremony.
 */
export class Mailbox<Rounds extends Record<string, unknown>> {
  readonly #kept = new Map<string, unknown>();
  readonly #same: (a: unknown, b: unknown) => boolean;
  #waiting: { readonly round: string; readonly from: readonly string[]; readonly done: () => void } | undefined;
  #failed: Error | undefined;
  #fail: ((error: Error) => void) | undefined;

  constructor(same: (a: unknown, b: unknown) => boolean) {
    this.#same = same;
  }

  put<R extends keyof Rounds & string>(round: R, from: string, message: Rounds[R]): void {
    const id = `${round}\n${from}`;
    const known = this.#kept.get(id);
    if (known === undefined) this.#kept.set(id, message);
    else if (!this.#same(known, message)) this.fail(new Error(`${from} sent two different messages of ${round}`));
    if (this.#waiting !== undefined && this.#missing(this.#waiting.round, this.#waiting.from).length === 0)
      this.#waiting.done();
  }

  /** The messages of `round` once all of `from` are there. Rejects when the ceremony fails. */
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
    return new Map(from.map((name) => [name, this.#kept.get(`${round}\n${name}`) as Rounds[R]]));
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
