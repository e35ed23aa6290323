import { MAX_BATCH_BYTES, MAX_BATCH_MESSAGES } from './link-codec.ts';

/** Bytes that may wait for one peer: beyond, it is not keeping up and its link is worth nothing. */
const MAX_QUEUED_BYTES = 8 << 20;
/** Room in a batch for each message's head and lengths. */
const OVERHEAD = 128;

/**
 * Messages on their way to one peer. All of one turn of the event loop leave together, in batches; where the stream
 * is full they wait for `drain`.
 */
export class Outbox {
  readonly #write: (bodies: readonly Uint8Array[]) => boolean;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #scheduled = false;
  #full = false;

  /** `write` takes a batch and says whether it may be given another at once. */
  constructor(write: (bodies: readonly Uint8Array[]) => boolean) {
    this.#write = write;
  }

  /** False where the queue is over its bound: the link has to end. */
  push(body: Uint8Array): boolean {
    this.#queue.push(body);
    this.#queuedBytes += body.length;
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => this.#turnEnds());
    }
    // A full batch does not wait for the turn to end, so that the peer works while this side still does.
    if (this.#queue.length >= MAX_BATCH_MESSAGES) this.#flush();
    return this.#queuedBytes <= MAX_QUEUED_BYTES;
  }

  /** The stream takes more. */
  drain(): void {
    this.#full = false;
    this.#flush();
  }

  /** Forgets what waits; a new stream starts empty. */
  clear(): void {
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#full = false;
  }

  #turnEnds(): void {
    this.#scheduled = false;
    this.#flush();
  }

  #flush(): void {
    while (this.#queue.length > 0 && !this.#full) {
      const batch = this.#queue.splice(0, this.#batchSize());
      this.#queuedBytes -= sizeOf(batch);
      this.#full = !this.#write(batch);
    }
  }

  /** How many of the queue's first messages make a batch: one at least. */
  #batchSize(): number {
    let bytes = 0;
    let count = 0;
    for (const body of this.#queue.slice(0, MAX_BATCH_MESSAGES)) {
      bytes += body.length + OVERHEAD;
      if (count > 0 && bytes > MAX_BATCH_BYTES) break;
      count++;
    }
    return count;
  }
}

const sizeOf = (bodies: readonly Uint8Array[]): number => bodies.reduce((sum, body) => sum + body.length, 0);
