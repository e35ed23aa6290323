import { describe, expect, it } from 'vitest';
import { describeAddon } from '../../test/addon.ts';
import { flippedKeygen } from '../../test/engines/checked-keygen.ts';
import { flippedSigning } from '../../test/engines/checked-signing.ts';
import { type EngineKind, enginesOf } from '../../test/engines/engines.ts';
import { holdsForAny } from '../../test/engines/holds-for-any.ts';

/** By engine: signatures and keys, each with one bit of one message changed. JavaScript takes a hundred times as long. */
const runs: Readonly<Record<EngineKind, readonly [signatures: number, keys: number]>> = {
  addon: [300, 100],
  mixed: [40, 10],
  noble: [20, 5],
};

/** ECDSA's are among its own tests. */
describeAddon('whoever changes one bit', (addon) => {
  describe.each(enginesOf(addon).filter(({ scheme }) => scheme !== 'ECDSA'))('$name', (engine) => {
    const [signatures, keys] = runs[engine.kind];

    it('in signing gets no signature, and nobody else is blamed', async () => {
      const made = await engine.make(2, 3);
      const { signed, refused } = await holdsForAny(signatures, (dice) => flippedSigning(engine, made, dice));
      expect(refused).toBeGreaterThan(signed);
    });

    it('in key generation gets no key, and nobody else is blamed', () =>
      holdsForAny(keys, (dice) => flippedKeygen(engine, dice)));
  });
});
