import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeAddon } from '../../test/addon.ts';
import { generate } from '../../test/frost-parties.ts';
import type { Fault } from '../native/index.d.ts';
import { valueOf } from '../native/outcome.ts';
import { nativeScheme } from './native-scheme.ts';

/** Whatever reaches the addon: it answers, never with a panic, and never with a signature that is none. Single bits: faulty-sessions.test.ts. */
describeAddon('the addon, given hostile bytes', (addon) => {
  describe.each(['EdDSA', 'Schnorr'] as const)('%s', (name) => {
    const scheme = nativeScheme(name, addon);

    it('answers any bytes with a fault that is nobody’s, or somebody’s who is there', async () => {
      const [{ key }] = (await generate(() => scheme, 2, 3)) as [Awaited<ReturnType<typeof generate>>[number]];
      const points = Buffer.concat(key.verificationShares);
      const opened = valueOf(await addon.FrostKey.open(name, 1, 2, 3, key.share, key.groupKey, points));
      const any = fc.oneof(fc.uint8Array({ maxLength: 400 }), fc.uint8Array({ minLength: 65, maxLength: 67 }));
      await fc.assert(
        fc.asyncProperty(any, any, any, fc.nat(), async (a, b, c, number) => {
          const { first } = valueOf(await opened.commit(1));
          const run = valueOf(addon.FrostKeygen.begin(name, 1, 2, 3));
          const outcomes: unknown[] = [
            opened.sign(first, a, b),
            await opened.signLater(number, a, b),
            opened.aggregate(a, b, c),
            await opened.aggregateLater(a, b, c),
            await addon.FrostKey.open(name, number % 65536, 2, 3, a, b, c),
            await addon.FrostKey.open(name, 1, 2, 3, key.share, a, points),
            await addon.FrostKey.open('RSA', 1, 2, 3, key.share, key.groupKey, points),
            await run.round3(a),
            (await run.round1()) && (await run.round2(a)),
            await run.round3(b),
            addon.FrostKeygen.begin(name, number % 65536, number % 7, 0),
          ];
          for (const outcome of outcomes) {
            const { fault, parties } = outcome as Fault;
            expect(['Refused', 'Culprit', 'BadCommitment']).toContain(fault);
            expect(parties.every((party) => party >= 1 && party <= 3)).toBe(true);
          }
          run.close();
        }),
      );
      opened.close();
    });
  });
});
