import { messageOf } from '../../common/errors.ts';
import { Banned, type KeygenResult } from '../../signer/scheme/scheme.ts';
import { upTo } from '../ecdsa-parties.ts';
import { quorumsOf } from '../frost-parties.ts';
import type { Dice } from '../simulation/dice.ts';
import type { Checked } from './checked.ts';
import { checkedSigning, type CheckedSigning, drawQuorum, mustSign } from './checked-signing.ts';
import type { Engine } from './engines.ts';
import { drawLie } from './lies.ts';

const AT_ONCE = 12;

/**
 * Signatures under one key all at once, of which some have a bit changed: only those fail, and those of members of whom one
 * has banned the other. Then every quorum signs but such ones.
 */
export async function parallelSignings(engine: Engine, made: readonly KeygenResult[], dice: Dice): Promise<Checked> {
  const keys = await engine.open(made, upTo(made.length));
  const sessions = Array.from({ length: AT_ONCE }, () => {
    const quorum = drawQuorum(made, dice);
    return { quorum, lie: dice.chance(0.2) ? drawLie(engine.scheme, quorum, dice) : undefined };
  });
  const done = await Promise.all(
    sessions.map(async ({ quorum, lie }) => ({
      quorum,
      lie,
      ...(await checkedSigning(engine, made, keys, quorum, lie && { lie })),
    })),
  );
  const bans = done.flatMap(({ errors }) => bansOf(errors));
  const apart = (quorum: readonly number[]): boolean =>
    bans.some(([by, banned]) => quorum.includes(by) && quorum.includes(banned));
  const violations: string[] = [];
  let signed = 0;
  for (const { quorum, lie, signed: did, errors, violations: found } of done) {
    if (did) signed++;
    violations.push(...found.map((each) => `${lie?.what ?? 'nothing changed'}: ${each}`));
    if (lie === undefined) violations.push(...(apart(quorum) ? mustBeBan(errors) : mustSign(errors)));
  }
  for (const quorum of quorumsOf(made[0]?.key.threshold ?? 0, made.length)) {
    const after = await checkedSigning(engine, made, keys, quorum);
    if (after.signed) signed++;
    const found = apart(quorum) ? mustBeBan(after.errors) : mustSign(after.errors);
    violations.push(...[...after.violations, ...found].map((each) => `afterwards: ${each}`));
    if (apart(quorum) && after.signed) violations.push(`${quorum.join()} signed, of whom one banned another`);
  }
  for (const key of keys.values()) key.close();
  const faults = done.filter(({ lie }) => lie !== undefined).length;
  return { faults, signed, refused: done.filter((each) => !each.signed).length, violations };
}

/** Whom each member banned. */
const bansOf = (errors: CheckedSigning['errors']): readonly (readonly [by: number, banned: number])[] =>
  errors.flatMap(([member, error]) => (error instanceof Banned ? [[member, error.identifier] as const] : []));

/** Errors that are none of a ban: its own, or that of a member that left for it. */
const mustBeBan = (errors: CheckedSigning['errors']): readonly string[] =>
  errors
    .filter(([, error]) => !/identifier \d+ (is banned|left)/.test(messageOf(error)))
    .map(([member, error]) => `${member} failed for no ban: ${messageOf(error)}`);
