import { canonicalId } from './caip.ts';
import type { Decision, LedgerView } from './decision.ts';
import type { Effect, Fee } from './effect.ts';
import { maxEffects } from './effects-json.ts';
import { exceededLimit } from './limits.ts';
import { conditions, matches } from './match.ts';
import type { Condition, Context } from './match.ts';
import type { Policy, Rule } from './policy.ts';
import { sumEffects } from './request-sums.ts';
import { effectInWords } from './words.ts';
import { exceededInWords, feeInWords, mismatchInWords } from './why.ts';

export type Question = {
  readonly policy: Policy;
  readonly effects: readonly Effect[];
  readonly fees: readonly Fee[];
  /** Name of who asks. */
  readonly initiator: string;
  /** Name of the key that would sign. */
  readonly key: string;
  /** What the window holds without this request. */
  readonly ledger: LedgerView;
  readonly nowSeconds: number;
};

type Judged = Decision['effects'][number];

/**
 * What the policy says of a request, PROTOCOL.md 5. Nothing is allowed that no rule allows, and no rule is passed
 * that cannot be decided. Depends on its input alone; the order of effects changes no verdict and no reason.
 */
export function evaluate({ policy, effects, fees, ledger, nowSeconds }: Question): Decision {
  if (effects.length > maxEffects)
    return deny('PolicyDenied', '', `has ${effects.length} effects, more than the ${maxEffects} that anyone judges`, []);
  const context: Context = { policy, sums: sumEffects(effects), ledger };
  const judged = effects.map((effect) => judge(effect, context));
  const reached = judged.map(({ judged }) => judged);
  const asked = effects.filter((effect) => !effect.change);
  // No limit counts fees, so a request without an effect that a rule allows could burn them without end.
  if (asked.length === 0)
    return deny('PolicyDenied', '', `no rule allows a request that ${effects.length === 0 ? 'does nothing' : 'only moves change'}`, reached);
  const refused = reached.find(({ verdict }) => verdict === 'Deny');
  if (refused !== undefined) return deny('PolicyDenied', refused.rule, refused.why, reached);

  const fee = excessiveFee(policy, fees);
  if (fee !== undefined) return deny('FeeTooHigh', '', fee, reached);

  const used = [...new Set(judged.flatMap(({ allowedBy }) => allowedBy ?? []))].toSorted((a, b) => a - b);
  for (const index of used) {
    const rule = policy.rules[index] as Rule;
    const exceeded = exceededLimit(policy, rule, index, asked, ledger);
    if (exceeded !== undefined)
      return deny('LimitExceeded', rule.name, exceededInWords(rule, exceeded, nowSeconds), reached);
  }
  const rule = used.map((index) => policy.rules[index]?.name ?? '').join(',');
  return { verdict: 'Allow', reason: '', rule, message: asked.map((effect) => effectInWords(effect, policy)).join('; '), effects: reached };
}

const deny = (reason: 'PolicyDenied' | 'FeeTooHigh' | 'LimitExceeded', rule: string, message: string, effects: readonly Judged[]): Decision => ({
  verdict: 'Deny',
  reason,
  rule,
  message,
  effects,
});

/** One effect by itself: any Deny that matches or may, else the first Allow that matches, unless it only may. */
function judge(effect: Effect, context: Context): { readonly judged: Judged; readonly allowedBy?: number } {
  if (effect.change) return { judged: { rule: '', verdict: 'Allow', why: 'comes back to the key itself' } };
  const { rules } = context.policy;
  const words = (): string => effectInWords(effect, context.policy);
  for (const rule of rules) {
    if (rule.verdict !== 'Deny') continue;
    const { holds, condition } = matches(rule, effect, context);
    if (holds === false) continue;
    const why = holds ? `rule ${rule.name} denies it` : `rule ${rule.name} may deny it: ${mismatchInWords(rule, effect, condition, context, holds)}`;
    return { judged: { rule: rule.name, verdict: 'Deny', why: `${words()}: ${why}` } };
  }
  let nearest: { readonly rule: Rule; readonly condition: Condition } | undefined;
  for (const [index, rule] of rules.entries()) {
    if (rule.verdict !== 'Allow') continue;
    const { holds, condition } = matches(rule, effect, context);
    if (holds) return { judged: { rule: rule.name, verdict: 'Allow', why: `${words()}: rule ${rule.name} allows it` }, allowedBy: index };
    if (condition === '') continue;
    if (holds === undefined) {
      const why = mismatchInWords(rule, effect, condition, context, holds);
      return { judged: { rule: rule.name, verdict: 'Deny', why: `${words()}: rule ${rule.name} cannot be decided: ${why}` } };
    }
    if (nearest === undefined || conditions.indexOf(condition) > conditions.indexOf(nearest.condition)) nearest = { rule, condition };
  }
  const why = nearest === undefined ? '' : `; nearest is ${nearest.rule.name}: ${mismatchInWords(nearest.rule, effect, nearest.condition, context, false)}`;
  return { judged: { rule: '', verdict: 'Deny', why: `${words()}: no rule allows it${why}` } };
}

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
