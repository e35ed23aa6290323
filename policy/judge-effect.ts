import type { Effect } from './effect.ts';
import { conditions, matches } from './match.ts';
import type { Condition, Context } from './match.ts';
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
  return deniedBy(effect, context) ?? allowedBy(effect, context);
}

const say = (effect: Effect, { policy }: Context, why: string): string => `${effectInWords(effect, policy)}: ${why}`;

function deniedBy(effect: Effect, context: Context): Judged | undefined {
  for (const rule of context.policy.rules) {
    if (rule.verdict !== 'Deny') continue;
    const { holds, condition } = matches(rule, effect, context);
    if (holds === false) continue;
    const why = holds ? 'denies it' : `may deny it: ${mismatchInWords(rule, effect, condition, context, holds)}`;
    return { verdict: 'Deny', rule: rule.name, why: say(effect, context, `rule ${rule.name} ${why}`) };
  }
  return undefined;
}

function allowedBy(effect: Effect, context: Context): Judged {
  let nearest: { readonly rule: Rule; readonly condition: Condition | '' } | undefined;
  const closeness = (condition: Condition | ''): number => (condition === '' ? -1 : conditions.indexOf(condition));
  for (const [number, rule] of context.policy.rules.entries()) {
    if (rule.verdict !== 'Allow') continue;
    const { holds, condition } = matches(rule, effect, context);
    if (holds)
      return {
        verdict: 'Allow',
        rule: rule.name,
        why: say(effect, context, `rule ${rule.name} allows it`),
        allowedBy: number,
      };
    const why = (): string => mismatchInWords(rule, effect, condition, context, holds);
    if (holds === undefined)
      return {
        verdict: 'Deny',
        rule: rule.name,
        why: say(effect, context, `rule ${rule.name} cannot be decided: ${why()}`),
      };
    if (nearest === undefined || closeness(condition) > closeness(nearest.condition)) nearest = { rule, condition };
  }
  const hint =
    nearest === undefined
      ? ''
      : `; nearest is ${nearest.rule.name}: ${mismatchInWords(nearest.rule, effect, nearest.condition, context, false)}`;
  return { verdict: 'Deny', rule: '', why: say(effect, context, `no rule allows it${hint}`) };
}
