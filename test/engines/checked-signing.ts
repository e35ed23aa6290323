import { messageOf } from '../../common/errors.ts';
import type { KeygenResult } from '../../signer/scheme/scheme.ts';
import { attempt, type Attempt, type Keys, random, sharesOf } from '../ecdsa-parties.ts';
import type { Checked } from './checked.ts';
import type { Engine } from './engines.ts';
import { drawLie, type Lie } from './lies.ts';
import type { Dice } from '../simulation/dice.ts';
import { blamedBy, panicOf, wrongBlame } from './wrong-blame.ts';

export type CheckedSigning = {
  readonly signed: boolean;
  /** Why each member, or the aggregator, gave nothing. */
  readonly errors: readonly (readonly [member: number, error: unknown])[];
  readonly violations: readonly string[];
};

/** One signature of `quorum`, with `lie` or without, judged. Without one it is not said that there must be a signature. */
export async function checkedSigning(
  engine: Engine,
  made: readonly KeygenResult[],
  keys: Keys,
  quorum: readonly number[],
  { lie, ...how }: Attempt & { readonly lie?: Lie } = {},
): Promise<CheckedSigning> {
  const violations: string[] = [];
  const errors: (readonly [number, unknown])[] = [];
  const failed = (member: number, error: unknown): void => {
    errors.push([member, error]);
    // What the liar hears is true, but not what a coordinator that lied is answered.
    const judged = lie === undefined || member !== lie.liar || member !== lie.aggregator;
    const liar = member === lie?.liar ? undefined : lie?.liar;
    const owner = liar === undefined ? undefined : lie?.owner;
    const wrong = judged ? wrongBlame(error, member, liar, owner) : panicOf(error);
    if (wrong !== '') violations.push(wrong);
  };
  const { input, outcomes } = await attempt(keys, quorum, { hash: random(), ...how, ...lie?.how });
  for (const [member, outcome] of outcomes) if (outcome.status === 'rejected') failed(member, outcome.reason);
  for (const victim of lie?.victims ?? [])
    if (outcomes.get(victim)?.status === 'fulfilled') violations.push(`${victim} did not notice`);
  if (errors.length > 0) return { signed: false, errors, violations };
  const aggregator = lie?.aggregator ?? quorum[0]!;
  const shares = sharesOf(outcomes);
  const heard = lie?.heard?.(input) ?? input;
  try {
    const signature = await keys.get(aggregator)!.aggregate(heard, lie?.shares?.(shares) ?? shares);
    if (lie !== undefined) violations.push(`${aggregator} made a signature and did not notice`);
    if (!engine.verify(made, input.message, signature)) violations.push(`${aggregator} made a wrong signature`);
  } catch (error) {
    failed(aggregator, error);
    // Shares are all there: whoever made a wrong one can be told.
    if (lie !== undefined && aggregator !== lie.liar && blamedBy(error) === undefined)
      violations.push(`${aggregator} does not say who lied: ${messageOf(error)}`);
  }
  return { signed: errors.length === 0, errors, violations };
}

/** One signature of which `dice` changes one bit of one message, now and then none. */
export async function flippedSigning(engine: Engine, made: readonly KeygenResult[], dice: Dice): Promise<Checked> {
  const quorum = drawQuorum(made, dice, engine.scheme !== 'ECDSA');
  // Opened anew: a ban holds for as long as a share is open.
  const keys = await engine.open(made, quorum);
  const lie = dice.chance(1 / 8) ? undefined : drawLie(engine.scheme, quorum, dice);
  const { signed, errors, violations } = await checkedSigning(engine, made, keys, quorum, lie && { lie });
  for (const key of keys.values()) key.close();
  const all = [...violations, ...(lie === undefined ? mustSign(errors) : [])];
  return {
    faults: lie === undefined ? 0 : 1,
    signed: signed ? 1 : 0,
    refused: signed ? 0 : 1,
    violations: all.map((each) => `${lie?.what ?? 'nothing changed'}: ${each}`),
  };
}

/** A quorum in any order; where `larger` now and then with more members than it needs. */
export function drawQuorum(made: readonly KeygenResult[], dice: Dice, larger = false): readonly number[] {
  const left = made.map(({ key }) => key.identifier);
  const size = larger && dice.chance(0.25) ? left.length : (made[0]?.key.threshold ?? 0);
  return Array.from({ length: size }, () => left.splice(dice.below(left.length), 1)[0]!);
}

/** That honest members with nothing in their way failed. */
export const mustSign = (errors: CheckedSigning['errors']): readonly string[] =>
  errors.map(([member, error]) => `${member} failed: ${messageOf(error)}`);
