import type { LedgerView, Spent } from './decision.ts';
import type { Effect } from './effect.ts';
import { counts } from './match.ts';
import type { Limit, Policy } from './policy.ts';
import { sumEffects, sumOf } from './request-sums.ts';

/** A limit that a request does not fit in: base units or requests. */
export type Exceeded = {
  readonly limit: Limit;
  /** Undefined where an effect's amount is not known, as is `asked`. */
  readonly used: bigint | undefined;
  readonly asked: bigint | undefined;
  /** Unix second from which there would be room; absent where there never is, or where nobody can tell. */
  readonly roomAt?: number;
};

/** The first limit of rule number `number` that `effects` do not fit in. */
export function exceededLimit(
  policy: Policy,
  number: number,
  effects: readonly Effect[],
  ledger: LedgerView,
): Exceeded | undefined {
  const rule = policy.rules[number];
  if (rule === undefined || rule.limits.length === 0) return undefined;
  const counted = effects.filter((effect) => counts(rule, effect, policy));
  for (const limit of rule.limits) {
    const atMost = boundOf(limit);
    const used = measure(limit, ledger.spent(number, limit.seconds));
    const asked = askedOf(limit, counted);
    if (used !== undefined && asked !== undefined && used + asked <= atMost) continue;
    const roomAt =
      used === undefined || asked === undefined || asked > atMost
        ? undefined
        : roomFrom(limit, used + asked - atMost, number, ledger);
    return { limit, used, asked, ...(roomAt !== undefined && { roomAt }) };
  }
  return undefined;
}

/** Base units or requests. */
export const boundOf = (limit: Limit): bigint => ('count' in limit ? BigInt(limit.count) : limit.atMost);

/** How much of each limit is used, as a share of it: 1 where it is used up. */
export function limitUse(
  policy: Policy,
  ledger: LedgerView,
): readonly { readonly rule: string; readonly limit: Limit; readonly ratio: number }[] {
  return policy.rules.flatMap(({ name, limits }, number) =>
    limits.map((limit) => {
      const used = measure(limit, ledger.spent(number, limit.seconds));
      const bound = boundOf(limit);
      // In tenths: a finer one would tell whoever scrapes what was paid when.
      return { rule: name, limit, ratio: used === undefined || bound === 0n ? 1 : Number((used * 10n) / bound) / 10 };
    }),
  );
}

/** Undefined where the amount of something spent is not known. */
function measure(limit: Limit, { amounts, requests }: Spent): bigint | undefined {
  if ('count' in limit) return BigInt(requests);
  const { sum, exact } = sumOf(amounts, limit.asset.id);
  return exact ? sum : undefined;
}

const askedOf = (limit: Limit, counted: readonly Effect[]): bigint | undefined =>
  measure(limit, { amounts: sumEffects(counted), requests: counted.length === 0 ? 0 : 1 });

function roomFrom(limit: Limit, excess: bigint, number: number, ledger: LedgerView): number | undefined {
  let left = excess;
  for (const part of ledger.leaving?.(number, limit.seconds) ?? []) {
    left -= measure(limit, part) ?? 0n;
    if (left <= 0n) return part.at;
  }
  return undefined;
}
