import type { Reason } from '../common/reasons.ts';
import type { Limit } from './policy.ts';
import type { SumLookup } from './request-sums.ts';

/** Spend that counts against a rule within a window, without the request being judged. */
export type Spent = {
  readonly amounts: SumLookup;
  readonly requests: number;
};

/** In place of a rule's number: every effect that moves an asset, whatever rules say of it. */
export const anyRule = -1;

/**
 * A window that a rule looks at: its length in seconds, or a limit that each path has by itself. Of that one, amounts are
 * what the limit measures, by path in place of asset.
 */
export type Window = number | Limit;

/** A holder's ledger as rules see it: what was spent under rule number `rule` within a window. */
export interface LedgerView {
  spent(rule: number, window: Window): Spent;
  /** The same in parts, each with the Unix second at which it leaves the window, the first to leave first. */
  leaving?(rule: number, window: Window): readonly (Spent & { readonly at: number })[];
}

/** A ledger that can also be told of as a whole. */
export interface LedgerUse extends LedgerView {
  /** What the path with the most of a limit by path has used; undefined where an amount is not known. */
  fullest(rule: number, limit: Limit): bigint | undefined;
}

export const emptyLedger: LedgerView = { spent: () => ({ amounts: new Map(), requests: 0 }) };

export type Decision = {
  readonly verdict: 'Allow' | 'Deny';
  /** "" when allowed. */
  readonly reason: Reason | '';
  /** The rule that decided (the denying one, or those that allowed, joined by a comma). */
  readonly rule: string;
  /** One line for a person: what was asked, what the rule says, what would be right. */
  readonly message: string;
  /** By effect: the rule that decided it and why. */
  readonly effects: readonly { readonly rule: string; readonly verdict: 'Allow' | 'Deny'; readonly why: string }[];
};
