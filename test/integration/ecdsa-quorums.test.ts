import { expect, it } from 'vitest';
import { sha256, utf8 } from '../../common/bytes.ts';
import { dklsScheme } from '../../signer/scheme/dkls-scheme.ts';
import { dklsAddon } from '../../signer/scheme/testing/dkls-addon.ts';
import { openAll, Parties, signed } from '../ecdsa-parties.ts';
import { quorumsOf } from '../frost-parties.ts';

const scheme = dklsScheme(dklsAddon);

/** Seconds of arithmetic, so not among the unit tests. */
it('every quorum of 5 of 9 signs under the one key: all 126', async () => {
  const made = await new Parties(scheme, 5, 9).all();
  const keys = await openAll(scheme, made);
  const publicKey = made[0]!.key.groupKey;
  const quorums = quorumsOf(5, 9);
  expect(quorums).toHaveLength(126);
  for (const quorum of quorums) {
    const hash = sha256(utf8(quorum.join()));
    expect(scheme.verify(publicKey, hash, await signed(keys, quorum, { hash })), quorum.join()).toBe(true);
  }
}, 300_000);
