import { createPrivateKey, createPublicKey } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { concat, fromHex, sha256, utf8 } from '../../common/bytes.ts';
import type { Clock } from '../../common/clock.ts';
import type { Identity } from '../../signer/ceremony/environment.ts';
import type { Dice } from './dice.ts';
import type { World } from './world.ts';

type Event = { readonly at: number; readonly order: number; readonly run: () => void; cancelled: boolean };

/** When every virtual world begins. */
export const EPOCH = Date.UTC(2026, 5, 1);

/**
 * A world whose time is a number: it passes from one event to the next as soon as all that follows from an event has
 * been computed. With the same dice, and code that waits for nothing outside, everything happens again the same way.
 */
export class VirtualWorld implements World {
  readonly dice: Dice;
  /** Told of every message and write before it is under way. */
  onEffect: (actor: string) => void = () => {};
  #now = 0;
  #order = 0;
  #skipped = 0;
  #latest = 0;
  #events: Event[] = [];
  readonly #ways = new Map<string, number>();
  readonly #slow = new Map<string, number>();
  readonly #offsets = new Map<string, number>();
  readonly #lives = new Map<string, number>();

  constructor(dice: Dice) {
    this.dice = dice;
  }

  /** Milliseconds since the world began. */
  get elapsed(): number {
    return this.#now;
  }

  /** Wall clocks that are right. Milliseconds. */
  get wall(): number {
    return EPOCH + this.#now + this.#skipped;
  }

  /** The latest time that any wall clock showed: a signer's time does not run back from there. */
  get latest(): number {
    return this.#latest;
  }

  /** Wall clocks everywhere go on `ms` later; nothing happens meanwhile. */
  skip(ms: number): void {
    this.#skipped += ms;
  }

  /** From now on the wall clock at `holder` is `ms` ahead. */
  shift(holder: string, ms: number): void {
    this.#offsets.set(holder, ms);
  }

  /** From now on what goes `way` takes up to `ms` longer. */
  slow(way: string, ms: number): void {
    this.#slow.set(way, ms);
  }

  /** Right clocks and fast links and disks again. */
  calm(): void {
    this.#offsets.clear();
    this.#slow.clear();
  }

  at(ms: number, run: () => void): () => void {
    const event: Event = { at: this.#now + Math.max(0, ms), order: this.#order++, run, cancelled: false };
    push(this.#events, event);
    return () => void (event.cancelled = true);
  }

  /** Lets time pass until `done`, or for `ms`; false in the latter case. */
  async until(done: () => boolean, ms: number): Promise<boolean> {
    const end = this.#now + ms;
    await nextTurn();
    while (!done()) {
      const next = this.#events[0];
      if (next === undefined || next.at > end) {
        this.#now = end;
        return false;
      }
      pop(this.#events);
      if (next.cancelled) continue;
      this.#now = next.at;
      next.run();
      await nextTurn();
    }
    return true;
  }

  /** Lets `ms` pass. */
  async pass(ms: number): Promise<void> {
    await this.until(() => false, ms);
  }

  clock(holder: string): Clock {
    const life = this.#lives.get(holder) ?? 0;
    return {
      now: () => {
        const shown = this.wall + (this.#offsets.get(holder) ?? 0);
        this.#latest = Math.max(this.#latest, shown);
        return shown;
      },
      monotonic: () => this.#now,
      after: (ms, run) =>
        this.at(ms, () => {
          if ((this.#lives.get(holder) ?? 0) === life) run();
        }),
    };
  }

  killed(holder: string): void {
    this.#lives.set(holder, (this.#lives.get(holder) ?? 0) + 1);
  }

  random(length: number): Uint8Array {
    return this.dice.bytes(length);
  }

  /** The same in every world. */
  identity(name: string): Identity {
    const known = identities.get(name) ?? newIdentity(name);
    identities.set(name, known);
    return known;
  }

  later(actor: string, way: string, run: () => void): void {
    this.onEffect(actor);
    const takes = this.dice.next() * (2 + (this.#slow.get(way) ?? 0));
    const arrives = Math.max(this.#ways.get(way) ?? 0, this.#now + takes);
    this.#ways.set(way, arrives);
    this.at(arrives - this.#now, run);
  }

  survives(): boolean {
    return this.dice.chance(0.5);
  }
}

const identities = new Map<string, Identity>();
/** PKCS #8 of an Ed25519 key, up to its seed. */
const pkcs8 = fromHex('302e020100300506032b657004220420', 'prefix');

function newIdentity(name: string): Identity {
  const der = concat(pkcs8, sha256(utf8(`simulated key of ${name}`)));
  const privateKey = createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return { privateKey, spki: Uint8Array.from(spki), nonce: sha256(utf8(`simulated nonce of ${name}`)) };
}

const before = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** A binary heap, earliest first. */
function push(heap: Event[], event: Event): void {
  let i = heap.push(event) - 1;
  while (i > 0) {
    const up = (i - 1) >> 1;
    if (!before(event, heap[up]!)) break;
    heap[i] = heap[up]!;
    i = up;
  }
  heap[i] = event;
}

function pop(heap: Event[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let i = 0;
  for (;;) {
    let down = 2 * i + 1;
    if (down >= heap.length) break;
    if (down + 1 < heap.length && before(heap[down + 1]!, heap[down]!)) down++;
    if (!before(heap[down]!, last)) break;
    heap[i] = heap[down]!;
    i = down;
  }
  heap[i] = last;
}
