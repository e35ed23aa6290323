import { canonicalId } from './caip.ts';
import type { Decision, LedgerView } from './decision.ts';
import type { Effect, Fee } from './effect.ts';
import { maxEffects } from './effects-json.ts';
import { judgeEffect } from './judge-effect.ts';
import { exceededLimit } from './limits.ts';
import type { Policy } from './policy.ts';
import { isSummed, sumEffects } from './request-sums.ts';
import { exceededInWords, feeInWords } from './why.ts';
import { effectInWords } from './words.ts';

export type Question = {
  readonly policy: Policy;
  readonly effects: readonly Effect[];
  readonly fees: readonly Fee[];
  /** Name of who asks. */
  readonly initiator: string;
  /** Name of the key that would sign. */
  readonly key: string;
  /** What the windows hold without this request. */
  readonly ledger: LedgerView;
  readonly nowSeconds: number;
};

/**
 * What the policy says of a request, PROTOCOL.md 5. Nothing is allowed that no rule allows, and no rule is passed
 * that cannot be decided. Depends on its input alone; the order of effects changes no verdict and no reason.
 */
export function evaluate({ policy, effects, fees, ledger, nowSeconds }: Question): Decision {
  if (effects.length > maxEffects)
    return denied(
      'PolicyDenied',
      '',
      `does ${effects.length} things at once, more than the ${maxEffects} that are judged`,
    );
  const context = { policy, sums: sumEffects(effects.filter(isSummed)), ledger };
  const judged = effects.map((effect) => judgeEffect(effect, context));
  const byEffect = judged.map(({ rule, verdict, why }) => ({ rule, verdict, why }));
  const asked = effects.filter((effect) => !effect.change);
  // No limit counts fees, so a request without an effect that a rule allows could burn them without end.
  if (asked.length === 0) {
    const what = effects.length === 0 ? 'does nothing' : 'only moves change';
    return denied('PolicyDenied', '', `no rule allows a request that ${what}`, byEffect);
  }
  const refused = judged.find(({ verdict }) => verdict === 'Deny');
  if (refused !== undefined) return denied('PolicyDenied', refused.rule, refused.why, byEffect);

  const fee = excessiveFee(policy, fees);
  if (fee !== undefined) return denied('FeeTooHigh', '', fee, byEffect);

  const allowedBy = new Set(judged.map((each) => each.allowedBy));
  const used = [...policy.rules.entries()].filter(([number]) => allowedBy.has(number));
  for (const [number, rule] of used) {
    const exceeded = exceededLimit(policy, number, asked, ledger);
    if (exceeded !== undefined)
      return denied('LimitExceeded', rule.name, exceededInWords(rule, exceeded, nowSeconds), byEffect);
  }
  return {
    verdict: 'Allow',
    reason: '',
    rule: used.map(([, { name }]) => name).join(','),
    message: asked.map((effect) => effectInWords(effect, policy)).join('; '),
    effects: byEffect,
  };
}

const denied = (
  reason: Exclude<Decision['reason'], ''>,
  rule: string,
  message: string,
  effects: Decision['effects'] = [],
): Decision => ({ verdict: 'Deny', reason, rule, message, effects });

/** In words, the first chain whose worst-case fees are over what the policy allows there, or that it allows none on. */
function excessiveFee(policy: Policy, fees: readonly Fee[]): string | undefined {
  const sums = new Map<string, bigint>();
  for (const { chain, asset, amount } of fees) {
    const cap = policy.fees.get(chain);
    if (cap === undefined) return `fees on ${chain}: the policy has no entry for this chain in fees`;
    if (canonicalId(asset) !== cap.asset.id) return `fees on ${chain}: want them in ${cap.asset.id}, got ${asset}`;
    const sum = (sums.get(chain) ?? 0n) + amount;
    if (sum > cap.atMost) return feeInWords(sum, cap);
    sums.set(chain, sum);
  }
  return undefined;
}
