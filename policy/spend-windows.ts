import { anyRule } from './decision.ts';
import type { LedgerView, Spent } from './decision.ts';
import type { Effect } from './effect.ts';
import { counts } from './match.ts';
import type { Policy } from './policy.ts';
import { isSummed, sumEffects } from './request-sums.ts';
import type { Sums } from './request-sums.ts';
import { SpendWindow } from './spend-window.ts';

/** A request's part in one window. */
type Part = { readonly window: SpendWindow; readonly amounts: Sums };
type Pending = { readonly at: number; readonly parts: readonly Part[] };

/**
 * Running sums over the windows that a policy's rules look at. A request is pending from `add` until it is settled or
 * removed; what is settled is only ever forgotten with the end of its windows.
 */
export class SpendWindows {
  readonly #policy: Policy;
  /** By rule number, or {@link anyRule}, then by length in seconds. */
  readonly #windows = new Map<number, Map<number, SpendWindow>>();
  readonly #pending = new Map<string, Pending>();
  /** The latest time seen: windows never reopen. */
  #now = 0;

  constructor(policy: Policy) {
    this.#policy = policy;
    policy.rules.forEach(({ limits, match }, index) => {
      for (const { seconds } of limits) this.#window(index, seconds);
      if (match.amount?.seconds !== undefined) this.#window(anyRule, match.amount.seconds);
    });
  }

  /** Counts a request's effects as of `at` (Unix seconds). A digest that is pending already is left as it is. */
  add(digest: string, at: number, effects: readonly Effect[]): void {
    if (this.#pending.has(digest)) return;
    const parts: Part[] = [];
    for (const [index, windows] of this.#windows) {
      const amounts = this.#amounts(index, effects);
      if (amounts === undefined) continue;
      for (const window of windows.values()) if (window.add(at, amounts)) parts.push({ window, amounts });
    }
    this.#pending.set(digest, { at, parts });
  }

  /** The request is a spend for good. */
  settle(digest: string): void {
    this.#end(digest, ({ window, amounts }, at) => window.settle(at, amounts));
  }

  /** The request was never a spend. */
  remove(digest: string): void {
    this.#end(digest, ({ window, amounts }, at) => window.remove(at, amounts));
  }

  /** A settled request counts no longer as of `at`: it is added again with another time. */
  forget(at: number, effects: readonly Effect[]): void {
    for (const [index, windows] of this.#windows) {
      const amounts = this.#amounts(index, effects);
      if (amounts !== undefined) for (const window of windows.values()) window.forget(at, amounts);
    }
  }

  /** What the windows hold at `nowSeconds`, with or without what is pending. Good until the next change. */
  view(nowSeconds: number, { pending }: { readonly pending: boolean }): LedgerView {
    this.#now = Math.max(this.#now, nowSeconds);
    const window = (rule: number, seconds: number): SpendWindow => {
      const found = this.#windows.get(rule)?.get(seconds);
      if (found === undefined) throw new Error(`no rule ${rule} looks at a window of ${seconds} s`);
      found.advance(this.#now);
      return found;
    };
    return {
      spent: (rule, seconds): Spent => window(rule, seconds).spent(pending),
      leaving: (rule, seconds) => window(rule, seconds).leaving(pending),
    };
  }

  #window(rule: number, seconds: number): void {
    const windows = this.#windows.get(rule) ?? new Map<number, SpendWindow>();
    if (!windows.has(seconds)) windows.set(seconds, new SpendWindow(seconds));
    this.#windows.set(rule, windows);
  }

  /** Amounts by asset of the effects that count under a rule; undefined where none does. */
  #amounts(index: number, effects: readonly Effect[]): Sums | undefined {
    const rule = this.#policy.rules[index];
    const counted = effects.filter((effect) =>
      rule === undefined ? isSummed(effect) : counts(rule, effect, this.#policy),
    );
    return counted.length === 0 ? undefined : sumEffects(counted);
  }

  #end(digest: string, end: (part: Part, at: number) => void): void {
    const entry = this.#pending.get(digest);
    if (entry === undefined) return;
    this.#pending.delete(digest);
    for (const part of entry.parts) end(part, entry.at);
  }
}
