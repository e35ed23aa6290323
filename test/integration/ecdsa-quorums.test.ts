import { expect, it } from 'vitest';
import { sha256, utf8 } from '../../common/bytes.ts';
import { dklsScheme } from '../../signer/scheme/dkls-scheme.ts';
import { dklsAddon } from '../../signer/scheme/testing/dkls-addon.ts';
import { openAll, Parties, signed } from '../ecdsa-parties.ts';
import { quorumsOf } from '../scheme-suite.ts';

const scheme = dklsScheme(dklsAddon);

/** Seconds of arithmetic, so not among the unit tests. */
it.each([
  [5, 9, 126],
  [2, 9, 36],
])(
  'every quorum of %i of %i signs under the one key: all %i',
  async (t, n, count) => {
    const made = await new Parties(scheme, t, n).all();
    const keys = await openAll(scheme, made);
    const publicKey = made[0]!.key.groupKey;
    const quorums = quorumsOf(t, n);
    expect(quorums).toHaveLength(count);
    for (const quorum of quorums) {
      const hash = sha256(utf8(quorum.join()));
      expect(scheme.verify(publicKey, hash, await signed(keys, quorum, { hash })), quorum.join()).toBe(true);
    }
  },
  300_000,
);
