import { describe, expect, it } from 'vitest';
import { hex } from '../../common/bytes.ts';
import { frostScheme, inlineEngine } from '../../signer/scheme/frost-scheme.ts';
import { publicKeyOf } from '../../signer/scheme/frost-suite.ts';
import { nativeScheme } from '../../signer/scheme/native-scheme.ts';
import type { FrostScheme, Scheme } from '../../signer/scheme/scheme.ts';
import { describeAddon } from '../addon.ts';
import { generate, quorumsOf, signWith } from '../frost-parties.ts';
import { sizesSuite } from '../scheme-suite.ts';

function quorumsSuite(schemeOf: (name: FrostScheme) => Scheme): void {
  /** The largest wallets, at both ends of the threshold. */
  describe.each(['EdDSA', 'Schnorr'] as const)('%s: the largest wallets', (name) => {
    sizesSuite(
      () => schemeOf(name),
      [
        [2, 9],
        [9, 9],
      ],
    );
  });

  /** Every quorum of the sizes that wallets have: seconds of arithmetic, so not among the unit tests. */
  describe.each(['EdDSA', 'Schnorr'] as const)('%s: every quorum', (name) => {
    it.each([
      [2, 3, 3],
      [3, 5, 10],
      [5, 9, 126],
    ])('of %i of %i signs under the one key, in whatever order: all %i', async (t, n, count) => {
      const scheme = schemeOf(name);
      const keys = await generate(() => scheme, t, n);
      const publicKey = publicKeyOf(name, keys[0]!.key.groupKey);
      const quorums = quorumsOf(t, n);
      expect(new Set(quorums.map((q) => q.join())).size).toBe(count);
      const signatures = new Set<string>();
      for (const [i, quorum] of quorums.entries()) {
        const { signature, message } = await signWith(() => scheme, keys, i % 2 === 0 ? quorum : quorum.toReversed());
        expect(scheme.verify(publicKey, message, signature), quorum.join()).toBe(true);
        signatures.add(hex(signature));
      }
      expect(signatures.size).toBe(count);
    });
  });
}

const engine = inlineEngine();

describe('by @noble/curves', () => {
  quorumsSuite((name) => frostScheme(name, engine));
});
describeAddon('by the addon', (addon) => {
  quorumsSuite((name) => nativeScheme(name, addon));
});
