import { messageOf } from '../../common/errors.ts';
import { BadCommitment, Banned, Culprit, Suspects } from '../../signer/scheme/scheme.ts';

/**
 * What is wrong with how the error of `judge` blames, where `liar` alone lied, or nobody where there is none; "" where
 * nothing is. `owner` is whose commitment is wrong, which tells nothing of who made it so.
 */
export function wrongBlame(error: unknown, judge: number, liar: number | undefined, owner = liar): string {
  if (!(error instanceof Error)) return `${judge} failed with no error: ${messageOf(error)}`;
  const what = `${judge} failed with ${error.name}: ${error.message}`;
  if (panicOf(error) !== '') return what;
  const named = blamedBy(error);
  if (named === undefined) return '';
  const to = error instanceof BadCommitment ? owner : liar;
  // Of suspects one may be the liar; everybody else is blamed for certain.
  const right =
    error instanceof Suspects
      ? named.some((i) => i === to) && !named.includes(judge)
      : named.length > 0 && named.every((i) => i === to);
  return right ? '' : `${what}, and blames ${named.join(', ')}`;
}

/** What the addon says where its library panicked, whether or not it blames somebody for that; "" for any other error. */
export const panicOf = (error: unknown): string => (messageOf(error).includes('panicked') ? messageOf(error) : '');

/** Whom an error blames; undefined where it is of a kind that blames nobody. */
export function blamedBy(error: unknown): readonly number[] | undefined {
  if (error instanceof Banned) return [error.identifier];
  const blames = error instanceof Culprit || error instanceof Suspects || error instanceof BadCommitment;
  return blames ? error.identifiers : undefined;
}
