import { messageOf } from '../../common/errors.ts';
import type { EcdsaScheme, KeygenRun, Round1 } from '../../signer/scheme/scheme.ts';
import { Parties, upTo } from '../ecdsa-parties.ts';
import type { SchemeOf } from '../frost-parties.ts';
import type { Dice } from '../simulation/dice.ts';
import { wrongKey } from './checked-keygen.ts';
import type { Checked } from './checked.ts';
import type { Engine } from './engines.ts';
import { panicOf } from './wrong-blame.ts';

/** Key generation at some step: what one party does next, and how it is ended. */
type Begun = { readonly step: (party: number) => Promise<unknown>; readonly close: (party: number) => void };

/** A run is closed before a step, while it takes one, or nobody cares for it any more. */
const ends = ['closed before', 'closed within', 'dropped before'] as const;

/** A key that one party ends at some step: the step comes to nothing, and the next key is made. */
export async function endedKeygen(engine: Engine, dice: Dice): Promise<Checked> {
  const { by } = engine;
  const parties = by.scheme === 'ECDSA' ? 2 : 3;
  const at = dice.below(by.scheme === 'ECDSA' ? 4 : 3);
  const begun = by.scheme === 'ECDSA' ? await ecdsaRuns(by.of, parties, at) : await frostRuns(by.of, parties, at);
  const who = 1 + dice.below(parties);
  const how = dice.pick(ends);
  const violations: string[] = [];
  if (how !== 'dropped before') {
    if (how === 'closed before') begun.close(who);
    const step = begun.step(who);
    if (how === 'closed within') begun.close(who);
    const error = await step.then(
      () => undefined,
      (why: unknown) => why,
    );
    violations.push(panicOf(error));
    // One that is under way may still end.
    if (how === 'closed before' && error === undefined) violations.push('it was taken all the same');
    const again = await begun.step(who).then(
      () => 'a run that is closed goes on',
      (why: unknown) => panicOf(why),
    );
    violations.push(again);
    for (const party of upTo(parties)) begun.close(party);
  }
  try {
    violations.push(...(await wrongKey(engine, await engine.make(2, parties), dice)));
  } catch (error) {
    violations.push(`the next key: ${messageOf(error)}`);
  }
  return {
    faults: 1,
    signed: 1,
    refused: 1,
    violations: violations.filter((each) => each !== '').map((each) => `${who} ${how} step ${at + 1}: ${each}`),
  };
}

async function ecdsaRuns(scheme: EcdsaScheme, n: number, rounds: number): Promise<Begun> {
  const parties = new Parties(scheme, 2, n);
  for (let round = 0; round < rounds; round++) await parties.round();
  return {
    step: (party) => (rounds < 3 ? parties.runs.get(party)!.round(parties.heard(party)) : parties.finish(party)),
    close: (party) => parties.runs.get(party)!.close(),
  };
}

async function frostRuns(schemeOf: SchemeOf, n: number, rounds: number): Promise<Begun> {
  const runs = new Map(upTo(n).map((i) => [i, schemeOf(i).keygen(i, 2, n)]));
  const each = async <T>(step: (run: KeygenRun, party: number) => Promise<T>): Promise<ReadonlyMap<number, T>> =>
    new Map(await Promise.all([...runs].map(async ([i, run]) => [i, await step(run, i)] as const)));
  const of = <T>(said: ReadonlyMap<number, T>, me: number): Map<number, T> =>
    new Map([...said].filter(([from]) => from !== me));
  const first = (run: KeygenRun) => run.round1();
  const broadcasts = rounds > 0 ? await each(first) : new Map<number, Round1>();
  const second = (run: KeygenRun, me: number) => run.round2(of(broadcasts, me));
  const shares = rounds > 1 ? await each(second) : new Map<number, ReadonlyMap<number, Uint8Array>>();
  const third = (run: KeygenRun, me: number) =>
    run.round3(new Map([...of(shares, me)].map(([from, said]) => [from, said.get(me)!])));
  const step = [first, second, third][rounds]!;
  return {
    step: async (party) => step(runs.get(party)!, party),
    close: (party) => runs.get(party)!.close(),
  };
}
