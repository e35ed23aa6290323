import type { LedgerUse, LedgerView, Spent, Window } from './decision.ts';
import type { Effect } from './effect.ts';
import { counts } from './match.ts';
import { pathOf } from './path-patterns.ts';
import type { Limit, Policy } from './policy.ts';
import { sumEffects, sumOf, unknownOf } from './request-sums.ts';
import type { Sums } from './request-sums.ts';

/** A limit that a request does not fit in: base units or requests. */
export type Exceeded = {
  readonly limit: Limit;
  /** Whose room it is, of a limit that each path has by itself. */
  readonly path?: string;
  /** Undefined where an effect's amount is not known, as is `asked`. */
  readonly used: bigint | undefined;
  readonly asked: bigint | undefined;
  /** Unix second from which there would be room; absent where there never is, or where nobody can tell. */
  readonly roomAt?: number;
  /** Whatever is asked: no more requests are told apart by path. */
  readonly crowded?: true;
};

/**
 * The most requests that are told apart by path, for all limits of a policy together: each takes some hundred bytes of
 * memory until it leaves its window, and initiators choose the paths.
 */
const mostByPath = 250_000;

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
    const window = windowOf(limit);
    const spent = ledger.spent(number, window);
    const asked = {
      amounts: limit.scope === 'Path' ? sumByPath(limit, counted) : sumEffects(counted),
      requests: counted.length === 0 ? 0 : 1,
    };
    for (const path of limit.scope === 'Path' ? new Set(counted.map(pathOf)) : [undefined]) {
      const use = { used: measure(limit, spent, path), asked: measure(limit, asked, path) };
      const exceeded = { limit, ...(path !== undefined && { path }), ...use };
      if (path !== undefined && spent.requests >= placesByPath(policy)) return { ...exceeded, crowded: true };
      if (use.used === undefined || use.asked === undefined) return exceeded;
      const excess = use.used + use.asked - boundOf(limit);
      if (excess <= 0n) continue;
      if (use.asked > boundOf(limit)) return exceeded;
      const roomAt = roomFrom(excess, exceeded, ledger.leaving?.(number, window));
      return { ...exceeded, ...(roomAt !== undefined && { roomAt }) };
    }
  }
  return undefined;
}

/** Base units or requests. */
export const boundOf = (limit: Limit): bigint => ('count' in limit ? BigInt(limit.count) : limit.atMost);

/** The window that a limit looks at. */
export const windowOf = (limit: Limit): Window => (limit.scope === 'Path' ? limit : limit.seconds);

/** What effects of one request use of a limit that each path has by itself: by path, as sums are by asset. */
export function sumByPath(limit: Limit, counted: readonly Effect[]): Sums {
  const sums = new Map<string, bigint>();
  for (const [path, effects] of Map.groupBy(counted, pathOf)) {
    const used = measure(limit, { amounts: sumEffects(effects), requests: 1 });
    if (used === undefined) sums.set(unknownOf(path), 1n);
    else if (used > 0n) sums.set(path, used);
  }
  return sums;
}

/** How much of each limit is used, as a share of it: 1 where it is used up; of limits by path, by the path with the most. */
export function limitUse(
  policy: Policy,
  ledger: LedgerUse,
): readonly { readonly rule: string; readonly limit: Limit; readonly ratio: number }[] {
  return policy.rules.flatMap(({ name, limits }, number) =>
    limits.map((limit) => {
      const used =
        limit.scope === 'Path' ? ledger.fullest(number, limit) : measure(limit, ledger.spent(number, limit.seconds));
      const bound = boundOf(limit);
      // In tenths: a finer one would tell whoever scrapes what was paid when.
      return { rule: name, limit, ratio: used === undefined || bound === 0n ? 1 : Number((used * 10n) / bound) / 10 };
    }),
  );
}

/** What of a limit is spent, by `path` alone where one is given; undefined where the amount of something is not known. */
function measure(limit: Limit, { amounts, requests }: Spent, path?: string): bigint | undefined {
  if (path === undefined && 'count' in limit) return BigInt(requests);
  const { sum, exact } = sumOf(amounts, path ?? ('asset' in limit ? limit.asset.id : ''));
  return exact ? sum : undefined;
}

/** How many requests have room in one window by path. */
const placesByPath = ({ rules }: Policy): number =>
  Math.floor(mostByPath / rules.flatMap(({ limits }) => limits).filter(({ scope }) => scope === 'Path').length);

function roomFrom(
  excess: bigint,
  { limit, path }: Exceeded,
  leaving: ReturnType<NonNullable<LedgerView['leaving']>> = [],
): number | undefined {
  let left = excess;
  for (const part of leaving) {
    left -= measure(limit, part, path) ?? 0n;
    if (left <= 0n) return part.at;
  }
  return undefined;
}
