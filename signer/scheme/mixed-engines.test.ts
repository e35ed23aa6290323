import { describe, expect, it } from 'vitest';
import { describeAddon } from '../../test/addon.ts';
import { generate, type SchemeOf, signWith } from '../../test/frost-parties.ts';
import { frostScheme, inlineEngine } from './frost-scheme.ts';
import { publicKeyOf } from './frost-suite.ts';
import { decodeKeyShare, encodeKeyShare } from './key-share.ts';
import { nativeScheme } from './native-scheme.ts';
import type { FrostScheme, KeygenResult } from './scheme.ts';

const engine = inlineEngine();

describeAddon('signers with different engines', (addon) => {
  describe.each(['EdDSA', 'Schnorr'] as const)('%s', (name) => {
    const noble = frostScheme(name, engine);
    const native = nativeScheme(name, addon);
    /** `j` has JavaScript, `n` the addon; by identifier. */
    const schemesOf =
      (engines: string): SchemeOf =>
      (identifier) =>
        engines[identifier - 1] === 'n' ? native : noble;

    /** As they come back from where they are kept. */
    const stored = (results: readonly KeygenResult[]): KeygenResult[] =>
      results.map((r) => ({ ...r, key: decodeKeyShare(name, encodeKeyShare(name, r.key)) }));

    async function expectOneKey(results: readonly KeygenResult[]): Promise<Uint8Array> {
      const [{ key, internalKey }] = results as [KeygenResult];
      for (const other of results) {
        expect(other.key.groupKey).toEqual(key.groupKey);
        expect(other.key.verificationShares).toEqual(key.verificationShares);
        expect(other.internalKey).toEqual(internalKey);
      }
      return publicKeyOf(name, key.groupKey);
    }

    it.each(['jjn', 'jnn', 'jjj', 'nnn'].flatMap((made) => firstBytes(name).map((first) => [made, first])))(
      'make a key as %s, which begins with %s, and any of them signs with it',
      async (made, first) => {
        let results = await generate(schemesOf(made), 2, 3);
        while (first !== 'any' && results[0]!.key.groupKey[0] !== Number(first))
          results = await generate(schemesOf(made), 2, 3);
        const publicKey = await expectOneKey(results);
        for (const opened of ['jnj', 'njn', 'nnn', 'jjj'])
          for (const quorum of [
            [1, 2],
            [2, 1],
            [3, 2],
          ]) {
            const { signature, message } = await signWith(schemesOf(opened), stored(results), quorum);
            expect(noble.verify(publicKey, message, signature), `${opened} ${quorum.join()}`).toBe(true);
          }
      },
    );

    it.each([
      [3, 5, 'jnjnj'],
      [5, 9, 'njnjnjnjn'],
    ])('%i of %i as %s', async (t, n, engines) => {
      const results = await generate(schemesOf(engines), t, n);
      const publicKey = await expectOneKey(results);
      const all = Array.from({ length: n }, (_, i) => i + 1);
      for (const quorum of [all.slice(0, t), all.slice(n - t).toReversed()]) {
        // Everybody has the other engine than before.
        const opened = [...engines].map((e) => (e === 'n' ? 'j' : 'n')).join('');
        const { signature, message } = await signWith(schemesOf(opened), stored(results), quorum);
        expect(noble.verify(publicKey, message, signature), quorum.join()).toBe(true);
      }
    });
  });
});

/** BIP-340 signs with the even one of two keys: both have to be tried. */
const firstBytes = (name: FrostScheme): readonly string[] => (name === 'EdDSA' ? ['any'] : ['2', '3']);
