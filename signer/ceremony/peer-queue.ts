import type { Clock } from '../../common/clock.ts';

/** What may wait of one peer: more is dropped. */
const MOST = 64;
const MOST_BYTES = 4 << 20;
/** A peer that was wrong waits for its next turn. Milliseconds. */
const WRONG_PAUSE = 1_000;

type Job = { readonly bytes: number; readonly run: () => Promise<boolean> };

/**
 * Costly work that peers cause, one piece after another for each, with a turn of the event loop between two: however
 * much one sends, it takes no more than its share, and next to none once it sends what is wrong.
 */
export class PeerQueue {
  readonly #clock: Clock;
  /** By peer with work under way: what waits. */
  readonly #waiting = new Map<string, Job[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs `run` when it is its turn, at once where nothing of `peer` is under way; false where too much waits. It tells whether the peer was right. */
  add(peer: string, bytes: number, run: () => Promise<boolean>): boolean {
    const waiting = this.#waiting.get(peer);
    if (waiting === undefined) {
      void this.#work(peer, run);
      return true;
    }
    if (waiting.length >= MOST || waiting.reduce((sum, job) => sum + job.bytes, bytes) > MOST_BYTES) return false;
    waiting.push({ bytes, run });
    return true;
  }

  /** Forgets what waits. */
  drop(peer: string): void {
    this.#waiting.get(peer)?.splice(0);
  }

  async #work(peer: string, first: () => Promise<boolean>): Promise<void> {
    const waiting: Job[] = [];
    this.#waiting.set(peer, waiting);
    for (let run: Job['run'] | undefined = first; run !== undefined; run = waiting.shift()?.run) {
      const right = await run().catch(() => false);
      await this.#pause(right ? 0 : WRONG_PAUSE);
    }
    this.#waiting.delete(peer);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.after(ms, resolve));
  }
}
