import type { Decision, LedgerView } from '../../policy/decision.ts';
import type { Policy } from '../../policy/document.ts';
import { decodeEffects } from '../../policy/effects-json.ts';
import { evaluate } from '../../policy/evaluate.ts';
import { limitUse } from '../../policy/limits.ts';
import { SpendWindows } from '../../policy/spend-windows.ts';
import type { LedgerRow } from '../state/store.ts';
import type { Reading, VerifiedRequest } from './judge.ts';

/** One use of a request's room; released once, by whom it was given to. */
export type Reservation = {
  /** The request as it counts; a spend already where it was one before. */
  readonly row: LedgerRow;
  readonly release: () => void;
};

/** A row that is not, or not as it is here, a spend on disk, and how many reservations hold it. */
type Open = { row: LedgerRow; uses: number };

/**
 * This holder's ledger as policy sees it: every effect it reserved and every one it learnt of, once a request.
 * Deciding and reserving happen in one turn of the event loop, so that no two requests see the same room.
 *
 * The store has the rows; this is what can be computed from them. A reservation is open and pending in the windows; a
 * spend is settled in them, as of its time on disk or, while that is another, as of the open one's. Several may use one request at
 * once (its coordinator here, rounds of others): it goes when the last of them gave it up and none made it a spend.
 */
export class Ledger {
  readonly #policy: Policy;
  readonly #windows: SpendWindows;
  readonly #onDisk: (digest: string) => LedgerRow | undefined;
  readonly #open = new Map<string, Open>();

  /** `rows` are all on disk; `onDisk` finds one of them later. */
  constructor(policy: Policy, rows: Iterable<LedgerRow>, onDisk: (digest: string) => LedgerRow | undefined) {
    this.#policy = policy;
    this.#windows = new SpendWindows(policy);
    this.#onDisk = onDisk;
    for (const row of rows) {
      this.#windows.add(row.digest, row.at, decodeEffects(row.effects));
      this.#windows.settle(row.digest);
      // Shares may have left for what was reserved when the signer stopped.
      if (row.state === 'Reserved') this.#open.set(row.digest, { row: { ...row, state: 'Spent' }, uses: 0 });
    }
  }

  /** The request as it counts here. */
  get(digest: string): LedgerRow | undefined {
    return this.#open.get(digest)?.row ?? this.#spent(digest);
  }

  /** Judges a verified request at `now` (Unix seconds) against everything else on the ledger. */
  decide({ statement, digest }: VerifiedRequest, { decoded }: Reading, now: number): Decision {
    const judge = (pending: boolean): Decision =>
      evaluate({
        policy: this.#policy,
        effects: decoded.effects,
        fees: decoded.fees,
        initiator: statement.initiator,
        key: statement.key,
        ledger: this.#without(digest, now, pending),
        nowSeconds: now,
      });
    const decision = judge(true);
    if (decision.verdict === 'Allow' || judge(false).verdict !== 'Allow') return decision;
    return { ...decision, reason: 'LimitContended', message: `${decision.message}; unfinished requests hold the rest` };
  }

  /** How much of each limit is used at `now`, unfinished requests included. */
  limitUse(now: number): ReturnType<typeof limitUse> {
    return limitUse(this.#policy, this.#windows.use(now));
  }

  /** Counts a request from now until the reservation is released, and on where it became a spend. */
  reserve(row: Omit<LedgerRow, 'state'>): Reservation {
    const open = this.#count({ ...row, state: 'Reserved' });
    open.uses++;
    let held = true;
    return {
      row: open.row,
      release: () => {
        if (held) open.uses--;
        held = false;
        this.settle(row.digest);
      },
    };
  }

  /**
   * Counts a spend for good, before it is written. It is there once, as of the latest time it was put: were it the
   * first, a liar who tells of a spend too early would take the real one out of its window.
   */
  put(row: LedgerRow & { readonly state: 'Spent' }): LedgerRow {
    return this.#count(row).row;
  }

  /** After a write: a spend that is on disk as it is here needs no more memory than its share of the windows. */
  settle(digest: string): void {
    const open = this.#open.get(digest);
    if (open === undefined || open.uses > 0) return;
    if (open.row.state === 'Reserved') this.#windows.remove(digest);
    else if (this.#spent(digest)?.at !== open.row.at) return;
    this.#open.delete(digest);
  }

  #count(row: LedgerRow): Open {
    const { digest } = row;
    const known = this.#open.get(digest);
    const old = known?.row ?? this.#spent(digest);
    const state = old?.state === 'Spent' ? 'Spent' : row.state;
    const next = old === undefined ? row : { ...old, at: Math.max(old.at, row.at), state };
    if (next.at !== old?.at) {
      if (old?.state === 'Reserved') this.#windows.remove(digest);
      else if (old !== undefined) this.#windows.forget(old.at, decodeEffects(old.effects));
      this.#windows.add(digest, next.at, decodeEffects(next.effects));
    }
    // Of what is settled already it knows nothing under this name.
    if (state === 'Spent') this.#windows.settle(digest);
    const open = known ?? { row: next, uses: 0 };
    open.row = next;
    this.#open.set(digest, open);
    return open;
  }

  /** A reservation that is only on disk was given up here, and is on its way off it. */
  #spent(digest: string): LedgerRow | undefined {
    const row = this.#onDisk(digest);
    return row?.state === 'Spent' ? row : undefined;
  }

  /** What the windows hold less what `digest` itself has there. */
  #without(digest: string, now: number, pending: boolean): LedgerView {
    const view = this.#windows.view(now, { pending });
    const own = this.get(digest);
    if (own === undefined || (!pending && own.state === 'Reserved')) return view;
    const alone = new SpendWindows(this.#policy);
    alone.add(digest, own.at, decodeEffects(own.effects));
    const mine = alone.view(now, { pending: true });
    return {
      spent(rule, window) {
        const all = view.spent(rule, window);
        const part = mine.spent(rule, window);
        const rest = (key: string): bigint => (all.amounts.get(key) ?? 0n) - (part.amounts.get(key) ?? 0n);
        return {
          amounts: { get: (key) => (rest(key) < 0n ? 0n : rest(key)) },
          requests: Math.max(0, all.requests - part.requests),
        };
      },
    };
  }
}
