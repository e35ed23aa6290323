import { describe, expect, it } from 'vitest';
import { bit, blame, failure, order, put } from '../../test/ecdsa-lies.ts';
import { broadcast, keygenLies, secret } from '../../test/ecdsa-keygen-lies.ts';
import { Parties, random } from '../../test/ecdsa-parties.ts';
import { flipped } from '../../test/flipped.ts';
import { dklsScheme } from './dkls-scheme.ts';
import type { RoundsKeygenRun } from './scheme.ts';
import { dklsAddon } from './testing/dkls-addon.ts';

const scheme = dklsScheme(dklsAddon);

/** More lies are told in test/integration/ecdsa-lies.test.ts: each takes a second. */
describe('a party to key generation that lies', () => {
  keygenLies(scheme, [
    [1, 'with a fragment that is no scalar', secret(() => order), /malformed/],
    [1, 'with a fragment cut short', secret((bytes) => bytes.subarray(1)), /want 33 bytes, got 32/],
    [1, 'with a broadcast that nobody expects', broadcast(() => random()), /want none, got 32 bytes/],
    [2, 'with a broadcast in another’s name', broadcast(bit(32)), /says that it comes from 3/],
    [2, 'with no broadcast', broadcast(() => new Uint8Array()), /want 65 bytes, got 0/],
    [2, 'with a message in another’s name', secret(bit(0)), /says that it goes from 3 to 1/],
    [
      2,
      'with a message to another',
      secret((bytes) => put(bytes, 1, Uint8Array.of(2))),
      /says that it goes from 2 to 2/,
    ],
    [2, 'with a commitment to nothing', broadcast(bit(3)), /proof verification failed/],
    [2, 'with a commitment to no zero share', secret(bit(20)), /zero-share decommitment failed/],
    [
      3,
      'with a broadcast of another session',
      (now, before) => ({ ...now, broadcast: before.broadcast }),
      /verification failed/,
    ],
    [3, 'with a wrong proof for its transfers', secret(bit(4_700)), /multiplication verification failed|malformed/],
  ]);

  it('to one about its fragment: all see that the sum is wrong, and nobody who it was', async () => {
    const parties = new Parties(scheme, 2, 3, {
      tamper: (spoken, { round, from, to }) =>
        round === 1 && from === 3 && to === 1 ? { ...spoken, secret: flipped(spoken.secret, 263) } : spoken,
    });
    for (let round = 1; round <= 3; round++) await parties.round();
    expect(blame(await failure(parties.finish(1)))).toBe('Suspects 2 3');
    expect(blame(await failure(parties.finish(2)))).toBe('Suspects 1 3');
    parties.close();
  });
});

describe('key generation', () => {
  it('takes its rounds in order, each once, and none after it failed or was closed', async () => {
    const parties = new Parties(scheme, 2, 2);
    const run = parties.runs.get(1) as RoundsKeygenRun;
    await expect(run.finish(new Map())).rejects.toThrow('want 3 rounds first');
    await expect(run.round(new Map())).rejects.toThrow('over');
    const closed = scheme.keygen(1, 2, 2, random());
    closed.close();
    await expect(closed.round(new Map())).rejects.toThrow('closed');
    const stranger = new Map([[2, { broadcast: new Uint8Array(), secret: random(33) }]]);
    await expect(scheme.keygen(1, 2, 3, random()).round(stranger)).rejects.toThrow('before the first round');
    const early = scheme.keygen(1, 2, 3, random());
    await early.round(new Map());
    await expect(early.round(stranger)).rejects.toThrow('want messages of identifiers [2, 3], got [2]');
  });

  it.each([
    [1, 1, 2],
    [1, 3, 2],
    [3, 2, 2],
    [0, 2, 2],
    [1, 2, 33],
    [1.5, 2, 2],
  ])('refuses identifier %d with %d of %d', (identifier, t, n) => {
    expect(() => scheme.keygen(identifier, t, n, random())).toThrow(/want/);
  });

  it('refuses a session that is too short', () => {
    expect(() => scheme.keygen(1, 2, 2, random(31))).toThrow('want a session of 32 to 64 bytes, got 31');
  });
});
