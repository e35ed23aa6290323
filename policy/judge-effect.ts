import type { Effect } from './effect.ts';
import { conditions, matches } from './match.ts';
import type { Context, Mismatch } from './match.ts';
import type { Rule } from './policy.ts';
import { mismatchInWords } from './why.ts';
import { effectInWords } from './words.ts';

/** What the rules say of one effect; `allowedBy` is the number of the rule that allows it and sets what that takes. */
export type Judged = {
  readonly verdict: 'Allow' | 'Deny';
  readonly rule: string;
  readonly why: string;
  readonly allowedBy?: number;
};

/** Any Deny that matches or may denies; else the first Allow that matches allows, and one that may denies. */
export function judgeEffect(effect: Effect, context: Context): Judged {
  if (effect.change) return { verdict: 'Allow', rule: '', why: 'comes back to the key itself' };
  const denied = deniedBy(effect, context, true);
  if (denied !== undefined) return denied;
  // Of what no rule allows this is told: a Deny that only may be about it is not what stands in the way.
  const allowed = allowedBy(effect, context);
  return allowed.verdict === 'Deny' ? allowed : (deniedBy(effect, context, undefined) ?? allowed);
}

/** By the first Deny that matches, or of which that cannot be told. */
function deniedBy(effect: Effect, context: Context, holds: true | undefined): Judged | undefined {
  for (const rule of context.policy.rules) {
    if (rule.verdict !== 'Deny') continue;
    const found = matches(rule, effect, context);
    if (found.holds !== holds) continue;
    const why = found.holds
      ? 'denies it'
      : `may deny it: ${mismatchInWords(rule, effect, found, context)}${narrower(rule, effect)}`;
    return denied(effect, context, rule.name, `rule ${rule.name} ${why}`);
  }
  return undefined;
}

/** How to write a Deny that was meant for less than everything. */
const narrower = ({ match }: Rule, { kind }: Effect): string =>
  match.kinds === undefined && kind !== 'Transfer'
    ? `; where it is not meant for ${kind}, let it name the kinds that it denies`
    : '';

/** The rule that failed at the latest condition. */
type Near = { readonly rule: Rule; readonly found: Mismatch };

function allowedBy(effect: Effect, context: Context): Judged {
  let nearest: Near | undefined;
  for (const [number, rule] of context.policy.rules.entries()) {
    if (rule.verdict !== 'Allow') continue;
    const { name } = rule;
    const found = matches(rule, effect, context);
    if (found.holds)
      return { verdict: 'Allow', rule: name, why: say(effect, context, `rule ${name} allows it`), allowedBy: number };
    if (found.holds === undefined) {
      const why = `rule ${name} cannot be decided: ${mismatchInWords(rule, effect, found, context)}`;
      return denied(effect, context, name, why);
    }
    if (nearest === undefined || conditions.indexOf(found.condition) > conditions.indexOf(nearest.found.condition))
      nearest = { rule, found };
  }
  return denied(effect, context, '', `no rule allows it; ${hint(effect, context, nearest)}`);
}

const say = (effect: Effect, { policy }: Context, why: string): string => `${effectInWords(effect, policy)}: ${why}`;

const denied = (effect: Effect, context: Context, rule: string, why: string): Judged => ({
  verdict: 'Deny',
  rule,
  why: say(effect, context, why),
});

/** What would have to be otherwise, by the rule that came nearest. */
function hint(effect: Effect, context: Context, nearest: Near | undefined): string {
  // Every rule fails at kinds only where none names this one.
  if (nearest === undefined || nearest.found.condition === 'kinds') return `none is about kind ${effect.kind}`;
  const { rule, found } = nearest;
  return `nearest is ${rule.name}: ${mismatchInWords(rule, effect, found, context)}`;
}
