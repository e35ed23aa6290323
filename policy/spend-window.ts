import type { Spent } from './decision.ts';
import { isUnknown } from './request-sums.ts';
import type { Sums } from './request-sums.ts';

/** Times are kept this finely in relation to the window's length, which bounds memory whatever the traffic. */
const slots = 4096;

const nothing: Sums = new Map();

class Sum {
  requests = 0;
  /** Most slots hold one request, whose own sums serve as the slot's until there is more to add. */
  #amounts: Sums = nothing;
  #own: Map<string, bigint> | undefined;

  get amounts(): Sums {
    return this.#own ?? this.#amounts;
  }

  add(amounts: Sums, requests: number): void {
    this.requests += requests;
    if (this.#own === undefined && this.#amounts.size === 0) {
      this.#amounts = amounts;
      return;
    }
    const own = this.#owned();
    for (const [asset, amount] of amounts) own.set(asset, (own.get(asset) ?? 0n) + amount);
  }

  take(amounts: Sums, requests: number): void {
    this.requests -= requests;
    if (this.requests === 0) {
      this.#amounts = nothing;
      this.#own = undefined;
      return;
    }
    const own = this.#owned();
    for (const [asset, amount] of amounts) {
      const rest = (own.get(asset) ?? 0n) - amount;
      if (rest === 0n) own.delete(asset);
      else own.set(asset, rest);
    }
  }

  #owned(): Map<string, bigint> {
    this.#own ??= new Map(this.#amounts);
    return this.#own;
  }
}

/** What was spent in one slot, or in the whole window, and what of it is pending: hardly ever more than a few requests. */
class Tally {
  readonly all = new Sum();
  readonly pending = new Sum();

  get empty(): boolean {
    return this.all.requests === 0;
  }

  spent(pending: boolean): Spent {
    const { all, pending: open } = this;
    if (pending || open.requests === 0) return all;
    return {
      amounts: { get: (key) => difference(all.amounts.get(key), open.amounts.get(key)) },
      requests: all.requests - open.requests,
    };
  }
}

const difference = (all: bigint | undefined, part: bigint | undefined): bigint | undefined =>
  all === undefined || part === undefined ? all : all - part;

/**
 * A sliding window with running sums. A spend leaves it `seconds` after its time, at the latest one 4096th of the
 * window later and never earlier: exact to the second for windows of up to 68 minutes.
 */
export class SpendWindow {
  readonly #seconds: number;
  readonly #slotSeconds: number;
  readonly #slots = new Map<number, Tally>();
  readonly #sum = new Tally();
  /** Slots below are over and forgotten. */
  #first = Number.NEGATIVE_INFINITY;

  constructor(seconds: number) {
    this.#seconds = seconds;
    this.#slotSeconds = Math.ceil(seconds / slots);
  }

  /** Counts a request as pending; false where it is older than the window. */
  add(at: number, amounts: Sums): boolean {
    const number = this.#slot(at);
    if (number < this.#first) return false;
    const slot = this.#slots.get(number) ?? new Tally();
    this.#slots.set(number, slot);
    for (const sum of [slot.all, slot.pending, this.#sum.all, this.#sum.pending]) sum.add(amounts, 1);
    return true;
  }

  /** A pending request of {@link add} with the same arguments becomes a spend. */
  settle(at: number, amounts: Sums): void {
    const slot = this.#slots.get(this.#slot(at));
    if (slot === undefined) return;
    for (const { pending } of [slot, this.#sum]) pending.take(amounts, 1);
  }

  /** A pending request of {@link add} with the same arguments never was one. */
  remove(at: number, amounts: Sums): void {
    const number = this.#slot(at);
    const slot = this.#slots.get(number);
    if (slot === undefined) return;
    for (const sum of [slot.all, slot.pending, this.#sum.all, this.#sum.pending]) sum.take(amounts, 1);
    if (slot.empty) this.#slots.delete(number);
  }

  /** Takes out a spend of {@link settle} with the same arguments, whose time was another. */
  forget(at: number, amounts: Sums): void {
    const number = this.#slot(at);
    const slot = this.#slots.get(number);
    if (slot === undefined) return;
    for (const { all } of [slot, this.#sum]) all.take(amounts, 1);
    if (slot.empty) this.#slots.delete(number);
  }

  /** Forgets what is over at `now`. */
  advance(now: number): void {
    // The last second of a slot decides for all of it, so that nothing leaves early.
    const first = Math.floor((now - this.#seconds + 1) / this.#slotSeconds);
    if (first <= this.#first) return;
    const passed = first - this.#first;
    if (passed > this.#slots.size) {
      for (const number of this.#slots.keys()) if (number < first) this.#drop(number);
    } else for (let number = this.#first; number < first; number++) this.#drop(number);
    this.#first = first;
  }

  spent(pending: boolean): Spent {
    return this.#sum.spent(pending);
  }

  /** The largest of all amounts, what is pending included; undefined where one is not known. */
  most(): bigint | undefined {
    let most = 0n;
    for (const [key, amount] of this.#sum.all.amounts) {
      if (amount > 0n && isUnknown(key)) return undefined;
      if (amount > most) most = amount;
    }
    return most;
  }

  /** Slot by slot with the second at which it leaves, the first first. */
  leaving(pending: boolean): readonly (Spent & { readonly at: number })[] {
    return [...this.#slots]
      .toSorted(([a], [b]) => a - b)
      .map(([number, slot]) => {
        const { amounts, requests } = slot.spent(pending);
        return { at: (number + 1) * this.#slotSeconds - 1 + this.#seconds, amounts, requests };
      });
  }

  #slot(at: number): number {
    return Math.floor(at / this.#slotSeconds);
  }

  #drop(number: number): void {
    const slot = this.#slots.get(number);
    if (slot === undefined) return;
    this.#slots.delete(number);
    this.#sum.all.take(slot.all.amounts, slot.all.requests);
    this.#sum.pending.take(slot.pending.amounts, slot.pending.requests);
  }
}
