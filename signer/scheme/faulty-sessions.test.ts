import { describe, expect, it } from 'vitest';
import { describeAddon } from '../../test/addon.ts';
import { flippedKeygen } from '../../test/engines/checked-keygen.ts';
import { flippedSigning } from '../../test/engines/checked-signing.ts';
import { endedKeygen } from '../../test/engines/ended-keygen.ts';
import { endedSigning } from '../../test/engines/ended-signing.ts';
import { enginesOf } from '../../test/engines/engines.ts';
import { holdsForAny } from '../../test/engines/holds-for-any.ts';
import { parallelSignings } from '../../test/engines/parallel-signings.ts';

/** How often, by what it costs; `npm run soak` does far more of it. */
const runs = {
  addon: { signings: 100, keygens: 50, parallel: 5, ended: 30, endedKeygens: 10 },
  mixed: { signings: 20, keygens: 5, parallel: 1, ended: 10, endedKeygens: 3 },
  noble: { signings: 10, keygens: 3, parallel: 1, ended: 5, endedKeygens: 1 },
  ecdsa: { signings: 100, keygens: 2, parallel: 2, ended: 20, endedKeygens: 1 },
};

/** More of ECDSA, whose keys take a second each: test/integration/ecdsa-lies.test.ts. */
describeAddon('where sessions go wrong', (addon) => {
  describe.each(enginesOf(addon))('with $name', (engine) => {
    const { signings, keygens, parallel, ended, endedKeygens } =
      runs[engine.scheme === 'ECDSA' ? 'ecdsa' : engine.kind];

    it('who changes one bit of a signing gets no signature, and nobody else is blamed', async () => {
      const made = await engine.make(2, 3);
      const { signed, refused } = await holdsForAny(signings, (dice) => flippedSigning(engine, made, dice));
      expect(refused).toBeGreaterThan(signed);
    });

    it('who changes one bit of a key’s making gets no key, and nobody else is blamed', async () => {
      await holdsForAny(keygens, (dice) => flippedKeygen(engine, dice));
    });

    it('others at the same time are not hurt, but by a ban', async () => {
      const made = await engine.make(2, 3);
      const { signed } = await holdsForAny(parallel, (dice) => parallelSignings(engine, made, dice));
      expect(signed).toBeGreaterThan(0);
    });

    it('a signing that ends at some step leaves nothing but what was used up', async () => {
      const made = await engine.make(2, 3);
      await holdsForAny(ended, (dice) => endedSigning(engine, made, dice));
    });

    it('key generation that ends at some step leaves nothing', async () => {
      await holdsForAny(endedKeygens, (dice) => endedKeygen(engine, dice));
    });
  });
});
