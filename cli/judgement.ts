import { Refused } from '../common/errors.ts';
import type { Reason } from '../common/reasons.ts';
import { emptyLedger } from '../policy/decision.ts';
import type { Policy } from '../policy/document.ts';
import type { Decoded } from '../policy/effect.ts';
import { evaluate } from '../policy/evaluate.ts';

/** What a policy says of a payload as if nothing had been spent, with all effects that could be decoded. */
export type Judgement = {
  readonly verdict: 'Allow' | 'Deny';
  readonly reason: Reason | '';
  readonly rule: string;
  readonly message: string;
  /** Kinds and amounts as JSON takes them; what the policy says of each, where it was asked. */
  readonly effects: readonly {
    readonly kind: string;
    readonly chain: string;
    readonly path?: string;
    readonly asset?: string;
    readonly amount?: string;
    readonly destination?: string;
    readonly change?: true;
    readonly text: string;
    readonly verdict?: 'Allow' | 'Deny';
    readonly rule?: string;
    readonly why?: string;
  }[];
  readonly fees: readonly { readonly chain: string; readonly asset: string; readonly amount: string }[];
};

/** The verdict of every honest signer, but for what their ledgers hold. */
export function judge(input: {
  readonly policy: Policy;
  /** Decodes the payload; throws Refused as signers would. */
  readonly decode: () => Decoded;
  readonly key: string;
  readonly initiator: string;
}): Judgement {
  const { policy, decode, key, initiator } = input;
  let decoded: Decoded;
  try {
    decoded = decode();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { verdict: 'Deny', reason: error.reason, rule: '', message: error.message, effects: [], fees: [] };
  }
  const nowSeconds = Math.floor(Date.now() / 1000);
  const decision = evaluate({ policy, ...decoded, initiator, key, ledger: emptyLedger, nowSeconds });
  const { verdict, reason, rule, message } = decision;
  return {
    verdict,
    reason,
    rule,
    message,
    effects: decoded.effects.map(({ kind, chain, path: of, asset, amount, destination, change, text }, i) => ({
      kind,
      chain,
      ...(of !== undefined && { path: of }),
      ...(asset !== undefined && { asset }),
      ...(amount !== undefined && { amount: String(amount) }),
      ...(destination !== undefined && { destination }),
      ...(change !== undefined && { change }),
      text,
      ...decision.effects[i],
    })),
    fees: decoded.fees.map(({ chain, asset, amount }) => ({ chain, asset, amount: String(amount) })),
  };
}
