import { hex } from '../../common/bytes.ts';
import type { Commitment, Contribution } from '../../proto/gen/signer/v1/peer.ts';
import type { FreshCommitment, NonceCommitment, SigningKey } from '../scheme/scheme.ts';

/** Unused commitments a holder keeps ready for one coordinator: also the most inputs a request may have. */
export const POOL_SIZE = 64;
/** A smaller deficit waits for more, so that commitments are made and sent in batches. */
const REFILL_BATCH = 8;

export type OwnNonce = { readonly nonce: number; readonly boot: Uint8Array; readonly index: bigint } & NonceCommitment;

/**
 * The nonces this holder made ahead for one key and one coordinator. Memory only: a restart forgets them all.
 * Whatever refers to one burns it, also when nothing is signed then.
 */
export class OwnNonces {
  readonly #boot: Uint8Array;
  readonly #key: SigningKey;
  readonly #counter: { next: bigint };
  readonly #held = new Map<bigint, FreshCommitment>();
  #filling: Promise<readonly Commitment[]> | undefined;

  /** `counter` numbers nonces within a boot, across keys and coordinators. */
  constructor(boot: Uint8Array, key: SigningKey, counter: { next: bigint }) {
    this.#boot = boot;
    this.#key = key;
    this.#counter = counter;
  }

  get size(): number {
    return this.#held.size;
  }

  /** Makes commitments up to a full pool, or none while the deficit is under a batch and `all` is not asked. */
  refill(all: boolean): Promise<readonly Commitment[]> {
    const missing = POOL_SIZE - this.#held.size;
    if (this.#filling !== undefined) return this.#filling.then(() => this.refill(all));
    if (missing < (all ? 1 : REFILL_BATCH)) return Promise.resolve([]);
    this.#filling = this.#make(all ? missing : Math.min(missing, REFILL_BATCH * 2)).finally(() => {
      this.#filling = undefined;
    });
    return this.#filling;
  }

  async #make(count: number): Promise<readonly Commitment[]> {
    const fresh = await this.#key.commit(count);
    return fresh.map((f) => {
      const index = this.#counter.next++;
      this.#held.set(index, f);
      return { index, hiding: f.hiding, binding: f.binding };
    });
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
    while (this.#held.size < count) await this.refill(true);
    return [...this.#held].slice(0, count).map(([index, held]) => {
      this.#held.delete(index);
      return { ...held, boot: this.#boot, index };
    });
  }

  /** Burns everything: the coordinator starts anew. */
  clear(): void {
    this.#key.discard([...this.#held.values()].map((f) => f.nonce));
    this.#held.clear();
  }
}

type Waiter = { readonly count: number; readonly resolve: (taken: readonly Contribution[] | undefined) => void };

/** A peer's unused commitments for one key, as the coordinator holds them. Each is given out once. */
export class PeerCommitments {
  readonly #holder: string;
  #ready: Contribution[] = [];
  #waiting: Waiter[] = [];

  constructor(holder: string) {
    this.#holder = holder;
  }

  get size(): number {
    return this.#ready.length;
  }

  /** Adds a delivery; `replace` drops what came before. Anything over a full pool is dropped. */
  add(boot: Uint8Array, commitments: readonly Commitment[], replace: boolean): void {
    if (replace) this.#ready = [];
    for (const c of commitments.slice(0, POOL_SIZE - this.#ready.length))
      this.#ready.push({ holder: this.#holder, boot, index: c.index, hiding: c.hiding, binding: c.binding });
    while (this.#waiting[0] !== undefined && this.#waiting[0].count <= this.#ready.length) {
      const { count, resolve } = this.#waiting.shift() as Waiter;
      resolve(this.#ready.splice(0, count));
    }
  }

  /** `count` commitments once they are there; undefined when the peer goes first, or after `giveUp`. */
  take(count: number): { readonly taken: Promise<readonly Contribution[] | undefined>; readonly giveUp: () => void } {
    if (this.#waiting.length === 0 && this.#ready.length >= count)
      return { taken: Promise.resolve(this.#ready.splice(0, count)), giveUp: () => {} };
    const { promise, resolve } = Promise.withResolvers<readonly Contribution[] | undefined>();
    const waiter: Waiter = { count, resolve };
    this.#waiting.push(waiter);
    // Whoever no longer waits must not get any: their maker would never know that they are gone.
    const giveUp = (): void => {
      this.#waiting = this.#waiting.filter((other) => other !== waiter);
      resolve(undefined);
    };
    return { taken: promise, giveUp };
  }

  /** The peer is gone, or its process is another: nothing here can be used. */
  clear(): void {
    this.#ready = [];
    for (const { resolve } of this.#waiting.splice(0)) resolve(undefined);
  }
}
