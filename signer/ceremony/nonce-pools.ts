import { hex } from '../../common/bytes.ts';
import type { Commitment, Contribution } from '../../proto/gen/signer/v1/peer.ts';
import type { FreshCommitment, NonceCommitment, SigningKey } from '../scheme/scheme.ts';

/** Unused commitments a holder keeps ready for one coordinator: also the most inputs a request may have. */
export const POOL_SIZE = 64;
/** Made and delivered together; a smaller deficit waits for more. A signature needs the first batch only. */
const BATCH = 8;

export type OwnNonce = { readonly nonce: number; readonly boot: Uint8Array; readonly index: bigint } & NonceCommitment;

/** Hands commitments to the coordinator they are for; `first` are the first of a pool. */
export type Deliver = (commitments: readonly Commitment[], first: boolean) => void;

/**
 * The nonces this holder made ahead for one key and one coordinator. Memory only: a restart forgets them all.
 * Whatever refers to one burns it, also when nothing is signed then.
 */
export class OwnNonces {
  readonly #boot: Uint8Array;
  readonly #key: SigningKey;
  readonly #counter: { next: bigint };
  readonly #deliver: Deliver;
  readonly #held = new Map<bigint, FreshCommitment>();
  #first = true;
  #closed = false;
  #batch: Promise<void> | undefined;
  /** Set while the pool is being filled: to the last one, or while a batch is missing. */
  #filling: 'full' | 'batches' | undefined;

  /** `counter` numbers nonces within a boot, across keys and coordinators. */
  constructor(boot: Uint8Array, key: SigningKey, counter: { next: bigint }, deliver: Deliver) {
    this.#boot = boot;
    this.#key = key;
    this.#counter = counter;
    this.#deliver = deliver;
  }

  get size(): number {
    return this.#held.size;
  }

  /** More are on their way to the coordinator. */
  get filling(): boolean {
    return this.#filling !== undefined;
  }

  /** Fills the pool batch by batch; without `full` it stops when less than a batch is missing. */
  async fill(full: boolean): Promise<void> {
    const before = this.#filling;
    if (full || before === undefined) this.#filling = full ? 'full' : 'batches';
    if (before !== undefined) return;
    try {
      while (!this.#closed && this.#missing >= (this.#filling === 'full' ? 1 : BATCH)) await this.#more(BATCH);
    } finally {
      this.#filling = undefined;
    }
  }

  get #missing(): number {
    return POOL_SIZE - this.#held.size;
  }

  #more(count: number): Promise<void> {
    this.#batch ??= this.#make(Math.min(count, this.#missing)).finally(() => {
      this.#batch = undefined;
    });
    return this.#batch;
  }

  async #make(count: number): Promise<void> {
    const fresh = await this.#key.commit(count);
    // Nobody will ever refer to them: they would fill the engine.
    if (this.#closed) return this.#key.discard(fresh.map((f) => f.nonce));
    const made = fresh.map((f) => {
      const index = this.#counter.next++;
      this.#held.set(index, f);
      return { index, hiding: f.hiding, binding: f.binding };
    });
    const first = this.#first;
    this.#first = false;
    this.#deliver(made, first);
  }

  /** Takes the nonces behind `contributions`, in order; undefined, with all that were found burnt, where one is not ours. */
  take(contributions: readonly Contribution[]): readonly OwnNonce[] | undefined {
    const found = contributions.map((c) => {
      const held = this.#held.get(c.index);
      if (held === undefined || hex(c.boot) !== hex(this.#boot)) return undefined;
      this.#held.delete(c.index);
      const same = hex(held.hiding) === hex(c.hiding) && hex(held.binding) === hex(c.binding);
      return { ...held, boot: this.#boot, index: c.index, same };
    });
    if (found.every((f) => f !== undefined && f.same)) return found as readonly OwnNonce[];
    this.#key.discard(found.flatMap((f) => (f === undefined ? [] : [f.nonce])));
    return undefined;
  }

  /** Takes `count` for a ceremony that this holder coordinates itself. */
  async takeAny(count: number): Promise<readonly OwnNonce[]> {
    while (this.#held.size < count) await this.#more(Math.max(BATCH, count - this.#held.size));
    return [...this.#held].slice(0, count).map(([index, held]) => {
      this.#held.delete(index);
      return { ...held, boot: this.#boot, index };
    });
  }

  /** Burns everything, also what is being made: the coordinator starts anew. */
  close(): void {
    this.#closed = true;
    this.#key.discard([...this.#held.values()].map((f) => f.nonce));
    this.#held.clear();
  }
}

type Waiter = { readonly count: number; readonly resolve: (taken: readonly Contribution[] | undefined) => void };

/** A peer's unused commitments for one key, as the coordinator holds them. Each is used once. */
export class PeerCommitments {
  readonly #holder: string;
  #ready: Contribution[] = [];
  #waiting: Waiter[] = [];
  /** Given out since the pool began. */
  #given = new WeakSet<Contribution>();

  constructor(holder: string) {
    this.#holder = holder;
  }

  get size(): number {
    return this.#ready.length;
  }

  /** Adds a delivery; `replace` drops what came before. Anything over a full pool is dropped. */
  add(boot: Uint8Array, commitments: readonly Commitment[], replace: boolean): void {
    if (replace) this.#void();
    // Copies: what came over a link is a view of a whole batch.
    const own = Uint8Array.from(boot);
    for (const { index, hiding, binding } of commitments.slice(0, POOL_SIZE - this.#ready.length)) {
      const points = { hiding: Uint8Array.from(hiding), binding: Uint8Array.from(binding) };
      this.#ready.push({ holder: this.#holder, boot: own, index, ...points });
    }
    this.#serve();
  }

  /** `count` commitments once they are there; undefined when the peer goes first, or after `giveUp`. */
  take(count: number): { readonly taken: Promise<readonly Contribution[] | undefined>; readonly giveUp: () => void } {
    const { promise, resolve } = Promise.withResolvers<readonly Contribution[] | undefined>();
    const waiter: Waiter = { count, resolve };
    this.#waiting.push(waiter);
    this.#serve();
    // Whoever no longer waits must not get any: their maker would never know that they are gone.
    const giveUp = (): void => {
      this.#waiting = this.#waiting.filter((other) => other !== waiter);
      resolve(undefined);
      this.#serve();
    };
    return { taken: promise, giveUp };
  }

  /** Takes back what no message referred to; not what is void since. */
  giveBack(contributions: readonly Contribution[]): void {
    this.#ready.unshift(...contributions.filter((c) => this.#given.delete(c)));
    this.#serve();
  }

  /** Their maker knows some of them no more: void then is all that came with them, unless it is already. */
  refused(contributions: readonly Contribution[]): boolean {
    if (!contributions.some((c) => this.#given.has(c))) return false;
    this.#void();
    return true;
  }

  #serve(): void {
    for (let next = this.#waiting[0]; next !== undefined && next.count <= this.#ready.length; next = this.#waiting[0]) {
      this.#waiting.shift();
      const taken = this.#ready.splice(0, next.count);
      for (const c of taken) this.#given.add(c);
      next.resolve(taken);
    }
  }

  #void(): void {
    this.#ready = [];
    this.#given = new WeakSet();
  }

  /** The peer is gone, or its process is another: nothing here can be used. */
  clear(): void {
    this.#void();
    for (const { resolve } of this.#waiting.splice(0)) resolve(undefined);
  }
}
