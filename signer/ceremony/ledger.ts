import type { Decision, LedgerView } from '../../policy/decision.ts';
import type { Policy } from '../../policy/document.ts';
import { decodeEffects } from '../../policy/effects-json.ts';
import { evaluate } from '../../policy/evaluate.ts';
import { limitUse } from '../../policy/limits.ts';
import { SpendWindows } from '../../policy/spend-windows.ts';
import type { LedgerRow } from '../state/store.ts';
import type { Reading, VerifiedRequest } from './judge.ts';

/**
 * This holder's ledger as policy sees it: every effect it reserved and every one it learnt of, once a request.
 * Deciding and reserving happen in one turn of the event loop, so that no two requests see the same room.
 * The rows themselves are the store's; this is what can be computed from them.
 */
export class Ledger {
  readonly #policy: Policy;
  readonly #windows: SpendWindows;
  readonly #settled: (digest: string) => LedgerRow | undefined;
  /** Rows that are not yet spends on disk; the rest are the store's to remember. */
  readonly #open = new Map<string, LedgerRow>();
  /** The digest last looked for and not found: a new request is looked for several times in one turn. */
  #absent = '';

  /** `settled` finds the row of a spend that is on disk. */
  constructor(policy: Policy, rows: readonly LedgerRow[], settled: (digest: string) => LedgerRow | undefined) {
    this.#policy = policy;
    this.#windows = new SpendWindows(policy);
    this.#settled = settled;
    // Not by `put`, which would find each row on disk already and count none.
    for (const row of rows) {
      this.#count(undefined, row);
      this.#open.set(row.digest, row);
      this.settle(row.digest);
    }
  }

  get(digest: string): LedgerRow | undefined {
    if (digest === this.#absent) return undefined;
    const row = this.#open.get(digest) ?? this.#settled(digest);
    if (row === undefined) this.#absent = digest;
    return row;
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
        ledger: this.#without(digest, this.#windows.view(now, { pending }), now),
        nowSeconds: now,
      });
    const decision = judge(true);
    if (decision.verdict === 'Allow' || judge(false).verdict !== 'Allow') return decision;
    return { ...decision, reason: 'LimitContended', message: `${decision.message}; unfinished requests hold the rest` };
  }

  /** How much of each limit is used at `now`, unfinished requests included. */
  limitUse(now: number): ReturnType<typeof limitUse> {
    return limitUse(this.#policy, this.#windows.view(now, { pending: true }));
  }

  /**
   * Puts a request on the ledger, or makes its reservation a spend. It is there once, as of the latest time it was put:
   * were it the first, a liar who tells of a spend too early would take the real one out of its window.
   */
  put(row: LedgerRow): LedgerRow {
    const old = this.get(row.digest);
    const next: LedgerRow =
      old === undefined
        ? row
        : { ...old, at: Math.max(old.at, row.at), state: old.state === 'Spent' ? 'Spent' : row.state };
    if (old?.state === 'Spent' && next.at === old.at) return old;
    // A reservation that is only on disk was dropped here, and is on its way off it.
    const counted = old !== undefined && (old.state === 'Spent' || this.#open.has(row.digest));
    if (!counted || next.at > old.at) this.#count(counted ? old : undefined, next);
    this.#open.set(row.digest, next);
    if (row.digest === this.#absent) this.#absent = '';
    return next;
  }

  /** The spend is on disk: it counts for good and needs no more memory than its share of the windows. */
  settle(digest: string): void {
    if (this.#open.get(digest)?.state !== 'Spent') return;
    this.#open.delete(digest);
    this.#windows.settle(digest);
  }

  /** Takes a reservation off again; only ever one that is not a spend. */
  drop(digest: string): void {
    if (this.#open.get(digest)?.state !== 'Reserved') return;
    this.#open.delete(digest);
    this.#windows.remove(digest);
  }

  /** Counts `row` where it counted as `old` before. */
  #count(old: LedgerRow | undefined, { digest, at, effects }: LedgerRow): void {
    if (this.#open.has(digest)) this.#windows.remove(digest);
    else if (old !== undefined) this.#windows.forget(old.at, decodeEffects(old.effects));
    this.#windows.add(digest, at, decodeEffects(effects));
  }

  /** `view` less what `digest` itself has on the ledger. */
  #without(digest: string, view: LedgerView, now: number): LedgerView {
    const own = this.get(digest);
    if (own === undefined) return view;
    const alone = new SpendWindows(this.#policy);
    alone.add(digest, own.at, decodeEffects(own.effects));
    const mine = alone.view(now, { pending: true });
    return {
      spent(rule, seconds) {
        const all = view.spent(rule, seconds);
        const part = mine.spent(rule, seconds);
        const amounts = new Map(all.amounts);
        for (const [asset, amount] of part.amounts) {
          const rest = (amounts.get(asset) ?? 0n) - amount;
          amounts.set(asset, rest < 0n ? 0n : rest);
        }
        return { amounts, requests: Math.max(0, all.requests - part.requests) };
      },
    };
  }
}
