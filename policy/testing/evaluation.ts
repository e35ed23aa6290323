import { expect, it } from 'vitest';
import { emptyLedger } from '../decision.ts';
import type { Decision, LedgerUse, LedgerView } from '../decision.ts';
import type { Policy } from '../document.ts';
import type { Effect, Fee } from '../effect.ts';
import { evaluate } from '../evaluate.ts';
import { policyOf, solana } from './policies.ts';

/** One SOL in base units. */
export const SOL = 1_000_000_000n;
export const fee = (amount: bigint, chain = solana, asset = `${chain}/slip44:501`): Fee => ({ chain, asset, amount });

export type Asked = {
  readonly book?: readonly object[];
  readonly fees?: readonly Fee[];
  readonly ledger?: LedgerView;
  readonly nowSeconds?: number;
};

export const ask = (
  policy: Policy,
  effects: readonly Effect[],
  { fees = [], ledger = emptyLedger, nowSeconds = 1_000_000 }: Asked = {},
): Decision => evaluate({ policy, effects, fees, ledger, nowSeconds, initiator: 'payments-api', key: 'solana' });

/** A ledger that holds this much of each asset, in so many requests, whatever the window. */
export const holding = (amounts: Readonly<Record<string, bigint>>, requests = 1): LedgerUse => ({
  spent: () => ({ amounts: new Map(Object.entries(amounts)), requests }),
  fullest: () => 0n,
});

export const allow = (match: object, more: object = {}): object => ({
  name: 'allow',
  verdict: 'Allow',
  match,
  ...more,
});
export const never = (match: object): object => ({ name: 'never', verdict: 'Deny', match });

/** What is asked, of which policy, and what comes of it: the rule that allows it, or the reason for denying it. */
export type Row = readonly [
  what: string,
  rules: readonly object[],
  effects: readonly Effect[],
  verdict: string,
  asked?: Asked,
];

const decide = ([, rules, effects, , asked]: Row): string => {
  const { verdict, reason, rule } = ask(policyOf(rules, asked?.book && { addressBook: asked.book }), effects, asked);
  return verdict === 'Allow' ? `allowed by ${rule}` : `${reason}${rule === '' ? '' : ` by ${rule}`}`;
};

export const table = (rows: readonly Row[]): void => {
  for (const row of rows)
    it(row[0], () => {
      expect(decide(row)).toBe(row[3]);
    });
};
