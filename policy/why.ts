import { formatAmount } from './amount.ts';
import { chainOf } from './caip.ts';
import type { Effect } from './effect.ts';
import { boundOf } from './limits.ts';
import type { Exceeded } from './limits.ts';
import { sumFor } from './match.ts';
import type { Context, Mismatch } from './match.ts';
import { pathOf } from './path-patterns.ts';
import type { Asset, FeeCap, Limit, Rule, SumBounds } from './policy.ts';
import { durationInWords, namesInWords } from './words.ts';

const units = (amount: bigint, { decimals, name }: Asset): string => `${formatAmount(amount, decimals)} ${name}`;

/** Why `rule` is not about `effect`, or what keeps that from being told. */
export function mismatchInWords(rule: Rule, effect: Effect, { condition, holds }: Mismatch, context: Context): string {
  const { chains, paths, assets, destinations, amount } = rule.match;
  switch (condition) {
    case 'kinds':
      return `it is not about ${effect.kind}`;
    case 'chains':
      return `it is about ${namesInWords(chains ?? [])}, ${holds === undefined ? 'and this is bound to no chain' : `not ${effect.chain}`}`;
    case 'paths':
      return `it is about ${namesInWords(paths ?? [])}, not ${pathOf(effect)}`;
    case 'assets':
      return `it is about ${namesInWords([...(assets?.values() ?? [])].map((asset) => asset.name))}, ${
        holds === false
          ? 'not this asset'
          : effect.asset === undefined
            ? 'and the asset is not known'
            : `and on the chain this asset has ${effect.decimals} decimals, not those of the policy`
      }`;
    case 'destinations':
      return `it is about ${namesInWords(destinations ?? [])}, and ${destinationMissed(effect, holds)}`;
    case 'amount':
      return amount === undefined ? '' : boundsInWords(amount, context);
  }
}

function destinationMissed({ kind, destination, derived }: Effect, holds: false | undefined): string {
  if (destination === undefined) return holds === false ? 'this goes elsewhere' : 'the destination is not known';
  const address = chainOf(destination).rest;
  if (holds === false) return `${address} is not listed there`;
  return derived === undefined
    ? `what else a ${kind} may do is not known`
    : `whose token account ${address} is cannot be told, since its mint is not in assets`;
}

function boundsInWords(bounds: SumBounds, { sums, ledger }: Context): string {
  const { asset, over, atMost, seconds } = bounds;
  const { sum, exact } = sumFor(bounds, sums, ledger);
  const limits = [
    ...(over === undefined ? [] : [`more than ${formatAmount(over, asset.decimals)}`]),
    ...(atMost === undefined ? [] : [`at most ${formatAmount(atMost, asset.decimals)}`]),
  ].join(' and ');
  const where = seconds === undefined ? 'a request' : `in ${durationInWords(seconds)}`;
  return `it is about ${limits} ${asset.name} ${where}, and this makes ${exact ? '' : 'at least '}${units(sum, asset)}`;
}

const measured = (limit: Limit, n: bigint): string =>
  'count' in limit ? `${n} request${n === 1n ? '' : 's'}` : units(n, limit.asset);

/** What a limit allows, like `25 SOL in 24h`, or `25 SOL in 24h for each path`. */
export const limitInWords = (limit: Limit): string =>
  `${measured(limit, boundOf(limit))} in ${durationInWords(limit.seconds)}${limit.scope === 'Path' ? ' for each path' : ''}`;

/** Which limit is exceeded, what is used, what was asked, and when there is room. */
export function exceededInWords(
  rule: Rule,
  { limit, path, used, asked, roomAt, crowded }: Exceeded,
  nowSeconds: number,
): string {
  const start = `rule ${rule.name} allows ${limitInWords(limit)}`;
  if (crowded) return `${start}, and its window holds as many requests as can be told apart by path`;
  if (used === undefined) return `${start}, and what an earlier request moved is not known`;
  if (asked === undefined) return `${start}, and the amount asked is not known`;
  if (asked > boundOf(limit)) return `${start}, asked are ${measured(limit, asked)}`;
  const room = roomAt === undefined ? '' : `; there is room in about ${roughly(roomAt - nowSeconds)}`;
  const where = path === undefined ? '' : ` at ${path}`;
  return `${start}: ${measured(limit, used)} used${where}, ${measured(limit, asked)} asked${room}`;
}

/** Windows move in steps of seconds that nobody plans by: from an hour on in whole minutes. */
const roughly = (seconds: number): string =>
  durationInWords(seconds < 3600 ? Math.max(1, seconds) : Math.round(seconds / 60) * 60);

export const feeInWords = (fee: bigint, { asset, atMost }: FeeCap): string =>
  `fees of up to ${units(fee, asset)} are over the ${units(atMost, asset)} that the policy allows on ${chainOf(asset.id).chain}`;
