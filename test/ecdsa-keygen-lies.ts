import { expect, it } from 'vitest';
import type { EcdsaScheme } from '../signer/scheme/scheme.ts';
import { blame, type Change, failure } from './ecdsa-lies.ts';
import { Parties, type Spoken } from './ecdsa-parties.ts';

/** What 2 says to 1 in a round instead; `before` is what it said in another session. */
export type Lie = (now: Spoken, before: Spoken) => Spoken;

export const broadcast =
  (change: Change): Lie =>
  (now) => ({ ...now, broadcast: change(now.broadcast) });
export const secret =
  (change: Change): Lie =>
  (now) => ({ ...now, secret: change(now.secret) });

/** Lies of 2 to 1 that 1 blames on it, by round. */
export function keygenLies(
  scheme: EcdsaScheme,
  lies: readonly [round: number, what: string, lie: Lie, message: RegExp][],
): void {
  it.each(lies)('in round %i, %s', async (round, _, lie, message) => {
    const before = await spokenBefore(scheme);
    const parties = new Parties(scheme, 2, 2, {
      tamper: (now, at) =>
        at.round === round && at.from === 2 && at.to === 1 ? lie(now, before.get(round) as Spoken) : now,
    });
    const error = await failure(parties.all());
    expect(error.message).toMatch(message);
    expect(blame(error)).toBe('Culprit 2');
    parties.close();
  });
}

let earlier: Promise<ReadonlyMap<number, Spoken>> | undefined;

/** By round, what 2 said to 1 in another session. */
function spokenBefore(scheme: EcdsaScheme): Promise<ReadonlyMap<number, Spoken>> {
  earlier ??= (async () => {
    const parties = new Parties(scheme, 2, 2);
    const spoken = new Map<number, Spoken>();
    for (let round = 1; round <= 3; round++) {
      await parties.round();
      spoken.set(round, parties.heard(1).get(2) as Spoken);
    }
    parties.close();
    return spoken;
  })();
  return earlier;
}
