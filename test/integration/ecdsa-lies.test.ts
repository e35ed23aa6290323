import { describe, expect, it } from 'vitest';
import { concat } from '../../common/bytes.ts';
import { dklsScheme } from '../../signer/scheme/dkls-scheme.ts';
import { dklsAddon } from '../../signer/scheme/testing/dkls-addon.ts';
import { flippedKeygen } from '../engines/checked-keygen.ts';
import { flippedSigning } from '../engines/checked-signing.ts';
import { broadcast, keygenLies, secret } from '../ecdsa-keygen-lies.ts';
import { bit, put } from '../ecdsa-lies.ts';
import { Parties, random } from '../ecdsa-parties.ts';
import { ecdsaEngine } from '../engines/engines.ts';
import { holdsForAny } from '../engines/holds-for-any.ts';

const scheme = dklsScheme(dklsAddon);
const engine = ecdsaEngine(scheme);

describe('a party to key generation that lies', () => {
  keygenLies(scheme, [
    [2, 'with a commitment to no chain code', broadcast(bit(40)), /chain code commitment failed/],
    [3, 'with a broadcast too long', broadcast((bytes) => concat(bytes, random(1))), /want 4742 bytes, got 4743/],
    [3, 'with a proof of something else', broadcast(bit(2_400)), /proof verification failed/],
    [3, 'with another chain code', broadcast(bit(4_650)), /chain code commitment failed/],
    [
      3,
      'with a message of another session',
      (now, before) => ({ ...now, secret: before.secret }),
      /decommitment failed/,
    ],
    [3, 'with another zero share', secret(bit(10)), /zero-share decommitment failed/],
    [3, 'with a wrong encryption', secret(bit(100_000)), /multiplication verification failed|malformed/],
    [3, 'with another seed', secret(bit(143_051)), /multiplication verification failed/],
  ]);

  it('to each about the chain code, with an opening for each: only broadcasts, compared, show it', async () => {
    const session = random();
    // 3 as it speaks to 1: the part for the chain code is of another run, in both rounds.
    const other = new Parties(scheme, 2, 3, { session });
    const parties = new Parties(scheme, 2, 3, {
      session,
      tamper(spoken, { round, from, to }) {
        if (round === 1 || from !== 3 || to !== 1) return spoken;
        const [at, length] = round === 2 ? [33, 32] : [4_645, 97];
        const theirs = (other.said[round - 1]?.get(3)?.broadcast ?? new Uint8Array()).subarray(at, at + length);
        return { ...spoken, broadcast: put(spoken.broadcast, at, theirs) };
      },
    });
    for (let round = 1; round <= 3; round++) {
      await other.round();
      await parties.round();
    }
    const [one, two] = await Promise.all([parties.finish(1), parties.finish(2)]);
    expect(one.key.groupKey).toEqual(two.key.groupKey);
    expect(one.chainCode).not.toEqual(two.chainCode);
    expect(parties.heard(1).get(3)?.broadcast).not.toEqual(parties.heard(2).get(3)?.broadcast);
    other.close();
    parties.close();
  });

  it('about any one bit', () => holdsForAny(10, (dice) => flippedKeygen(engine, dice)));
});

describe('a member of a quorum that lies', () => {
  it('about any one bit', async () => {
    const [two, three] = [await engine.make(2, 3), await engine.make(3, 3)];
    await holdsForAny(500, (dice) => flippedSigning(engine, two, dice));
    await holdsForAny(100, (dice) => flippedSigning(engine, three, dice));
  });
});
