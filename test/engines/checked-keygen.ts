import { equal } from '../../common/bytes.ts';
import type { EcdsaScheme, KeygenResult, KeygenRun, Round1 } from '../../signer/scheme/scheme.ts';
import type { Checked } from './checked.ts';
import { checkedSigning, drawQuorum, mustSign } from './checked-signing.ts';
import { Parties, type Spoken, upTo } from '../ecdsa-parties.ts';
import type { Engine } from './engines.ts';
import { flipped } from '../flipped.ts';
import type { SchemeOf } from '../frost-parties.ts';
import type { Dice } from '../simulation/dice.ts';
import { blamedBy, panicOf, wrongBlame } from './wrong-blame.ts';

/** What one party says in one round, of which one bit is changed on its way to some. */
type Lie = {
  readonly liar: number;
  readonly victims: readonly number[];
  readonly round: number;
  readonly part: 'broadcast' | 'secret';
  readonly bit: number;
};

/** A key at each party, or why some could not go on. */
type Outcome = {
  readonly made: readonly KeygenResult[] | undefined;
  readonly failed: ReadonlyMap<number, unknown>;
  /** Parties have heard different broadcasts, which they compare before they use a key. */
  readonly differ: boolean;
};

/** One key of which `dice` changes one bit of one message, now and then none: one key of all comes of it, or none. */
export async function flippedKeygen(engine: Engine, dice: Dice): Promise<Checked> {
  const { by } = engine;
  const parties = by.scheme === 'ECDSA' && dice.chance(0.75) ? 2 : 3;
  const lie = dice.chance(1 / 8) ? undefined : drawLie(by.scheme === 'ECDSA' ? 3 : 2, parties, dice);
  const { made, failed, differ } =
    by.scheme === 'ECDSA' ? await ecdsaKeygen(by.of, parties, lie) : await frostKeygen(by.of, parties, lie);
  const violations: string[] = [];
  for (const [party, error] of failed)
    // With a message of the liar's changed, what the others come to does not fit what it knows.
    violations.push(party === lie?.liar ? panicOf(error) : wrongBlame(error, party, lie?.liar));
  if (lie === undefined) violations.push(...mustSign([...failed]));
  else if (by.scheme !== 'ECDSA')
    for (const victim of lie.victims)
      if (blamedBy(failed.get(victim)) === undefined) violations.push(`${victim} does not say who lied`);
  if (made !== undefined && !differ) violations.push(...(await wrongKey(engine, made, dice)));
  const what = lie && `bit ${lie.bit} of the ${lie.part} of ${lie.liar} in round ${lie.round} to ${lie.victims.join()}`;
  return {
    faults: lie === undefined ? 0 : 1,
    signed: made !== undefined && !differ ? 1 : 0,
    refused: made === undefined || differ ? 1 : 0,
    violations: violations.filter((each) => each !== '').map((each) => `${what ?? 'nothing changed'}: ${each}`),
  };
}

function drawLie(rounds: number, parties: number, dice: Dice): Lie {
  const liar = 1 + dice.below(parties);
  const others = upTo(parties).filter((i) => i !== liar);
  const round = 1 + dice.below(rounds);
  // ECDSA's first round has secrets alone; FROST's first is a broadcast, and its second has secrets.
  const both = rounds === 3 && round > 1;
  const part = both
    ? dice.pick(['broadcast', 'secret'] as const)
    : rounds === 3 || round === 2
      ? 'secret'
      : 'broadcast';
  return { liar, victims: dice.chance(0.5) ? others : [dice.pick(others)], round, part, bit: dice.below(2 ** 31) };
}

const hits = (lie: Lie | undefined, round: number, from: number, to: number): lie is Lie =>
  lie !== undefined && lie.round === round && lie.liar === from && lie.victims.includes(to);

async function ecdsaKeygen(scheme: EcdsaScheme, n: number, lie: Lie | undefined): Promise<Outcome> {
  let differ = false;
  const tamper = (spoken: Spoken, { round, from, to }: { round: number; from: number; to: number }): Spoken => {
    if (!hits(lie, round, from, to)) return spoken;
    differ ||= lie.part === 'broadcast' && spoken.broadcast.length > 0;
    return { ...spoken, [lie.part]: flipped(spoken[lie.part], lie.bit) };
  };
  const parties = new Parties(scheme, 2, n, { tamper });
  try {
    return { made: await parties.all(), failed: new Map(), differ };
  } catch {
    return { made: undefined, failed: parties.failed, differ };
  } finally {
    parties.close();
  }
}

async function frostKeygen(schemeOf: SchemeOf, n: number, lie: Lie | undefined): Promise<Outcome> {
  const runs = new Map(upTo(n).map((i) => [i, schemeOf(i).keygen(i, 2, n)]));
  const failed = new Map<number, unknown>();
  /** Of all parties; throws once they are done where one failed. */
  const each = async <T>(step: (run: KeygenRun, party: number) => Promise<T>): Promise<ReadonlyMap<number, T>> => {
    const done = new Map<number, T>();
    for (const [party, run] of runs)
      await step(run, party).then(
        (value) => done.set(party, value),
        (error: unknown) => failed.set(party, error),
      );
    if (failed.size > 0) throw new Error('some failed');
    return done;
  };
  const othersOf = <T>(said: ReadonlyMap<number, T>, me: number): [number, T][] =>
    [...said].filter(([from]) => from !== me);
  try {
    const broadcasts = await each((run) => run.round1());
    const shares = await each((run, me) =>
      run.round2(
        new Map(
          othersOf(broadcasts, me).map(([from, said]) => [
            from,
            hits(lie, 1, from, me) ? flippedBroadcast(said, lie.bit) : said,
          ]),
        ),
      ),
    );
    const made = await each((run, me) =>
      run.round3(
        new Map(
          othersOf(shares, me).map(([from, said]) => {
            const share = said.get(me)!;
            return [from, hits(lie, 2, from, me) ? flipped(share, lie.bit) : share];
          }),
        ),
      ),
    );
    return { made: [...made.values()], failed, differ: false };
  } catch (error) {
    if (failed.size === 0) throw error;
    return { made: undefined, failed, differ: false };
  } finally {
    for (const run of runs.values()) run.close();
  }
}

function flippedBroadcast({ commitment, proof }: Round1, bit: number): Round1 {
  const part = bit % (commitment.length + 1);
  const within = Math.floor(bit / (commitment.length + 1));
  return {
    commitment: commitment.map((point, i) => (i === part ? flipped(point, within) : point)),
    proof: part === commitment.length ? flipped(proof, within) : proof,
  };
}

/** What is wrong with a key that all parties came to. */
export async function wrongKey(engine: Engine, made: readonly KeygenResult[], dice: Dice): Promise<readonly string[]> {
  const [first] = made;
  const none = new Uint8Array();
  for (const { key, chainCode = none, internalKey } of made)
    if (
      !equal(key.groupKey, first?.key.groupKey ?? none) ||
      !equal(chainCode, first?.chainCode ?? none) ||
      !equal(internalKey, first?.internalKey ?? none)
    )
      return [`${key.identifier} has another key than 1`];
  const quorum = drawQuorum(made, dice);
  const keys = await engine.open(made, quorum);
  const { errors, violations } = await checkedSigning(engine, made, keys, quorum);
  for (const key of keys.values()) key.close();
  return [...mustSign(errors), ...violations];
}
