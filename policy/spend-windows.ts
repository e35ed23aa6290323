import { anyRule } from './decision.ts';
import type { LedgerUse, LedgerView, Spent, Window } from './decision.ts';
import type { Effect } from './effect.ts';
import { sumByPath, windowOf } from './limits.ts';
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
  /** By rule number, or {@link anyRule}. */
  readonly #windows = new Map<number, Map<Window, SpendWindow>>();
  readonly #pending = new Map<string, Pending>();
  /** The latest time seen: windows never reopen. */
  #now = 0;

  constructor(policy: Policy) {
    this.#policy = policy;
    policy.rules.forEach(({ limits, match }, index) => {
      for (const limit of limits) this.#window(index, windowOf(limit), limit.seconds);
      if (match.amount?.seconds !== undefined) this.#window(anyRule, match.amount.seconds, match.amount.seconds);
    });
  }

  /** Counts a request's effects as of `at` (Unix seconds). A digest that is pending already is left as it is. */
  add(digest: string, at: number, effects: readonly Effect[]): void {
    if (this.#pending.has(digest)) return;
    const parts: Part[] = [];
    for (const part of this.#parts(effects)) if (part.window.add(at, part.amounts)) parts.push(part);
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
    for (const { window, amounts } of this.#parts(effects)) window.forget(at, amounts);
  }

  /** What the windows hold at `nowSeconds`, with or without what is pending. Good until the next change. */
  view(nowSeconds: number, { pending }: { readonly pending: boolean }): LedgerView {
    const find = this.#at(nowSeconds);
    return {
      spent: (rule, window): Spent => find(rule, window).spent(pending),
      leaving: (rule, window) => find(rule, window).leaving(pending),
    };
  }

  /** The same with what is pending, and with what takes a look at every path. */
  use(nowSeconds: number): LedgerUse {
    const find = this.#at(nowSeconds);
    return {
      ...this.view(nowSeconds, { pending: true }),
      fullest: (rule, limit) => find(rule, limit).most(),
    };
  }

  #at(nowSeconds: number): (rule: number, window: Window) => SpendWindow {
    this.#now = Math.max(this.#now, nowSeconds);
    return (rule, window) => {
      const found = this.#windows.get(rule)?.get(window);
      if (found === undefined)
        throw new Error(
          `no rule ${rule} looks at ${typeof window === 'number' ? `a window of ${window} s` : 'this limit by path'}`,
        );
      found.advance(this.#now);
      return found;
    };
  }

  #window(rule: number, window: Window, seconds: number): void {
    const windows = this.#windows.get(rule) ?? new Map<Window, SpendWindow>();
    if (!windows.has(window)) windows.set(window, new SpendWindow(seconds));
    this.#windows.set(rule, windows);
  }

  /** A request's part in each window, as far as it counts there. */
  *#parts(effects: readonly Effect[]): Generator<Part> {
    for (const [index, windows] of this.#windows) {
      const rule = this.#policy.rules[index];
      const counted = effects.filter((effect) =>
        rule === undefined ? isSummed(effect) : counts(rule, effect, this.#policy),
      );
      if (counted.length === 0) continue;
      const amounts = sumEffects(counted);
      for (const [key, window] of windows)
        yield { window, amounts: typeof key === 'number' ? amounts : sumByPath(key, counted) };
    }
  }

  #end(digest: string, end: (part: Part, at: number) => void): void {
    const entry = this.#pending.get(digest);
    if (entry === undefined) return;
    this.#pending.delete(digest);
    for (const part of entry.parts) end(part, entry.at);
  }
}
