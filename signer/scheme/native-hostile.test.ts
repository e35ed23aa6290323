import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeAddon } from '../../test/addon.ts';
import { generate } from '../../test/scheme-keys.ts';
import type { Fault } from '../native/index.d.ts';
import { valueOf } from '../native/outcome.ts';
import { publicKeyOf } from './frost-suite.ts';
import { nativeScheme } from './native-scheme.ts';
import { type BadCommitment, Culprit, type NonceCommitment, type Round1 } from './scheme.ts';
import { verifySignature } from './verify.ts';

/** Whatever reaches the addon: it answers, never with a panic, and never with a signature that is none. */
describeAddon('the addon, given hostile bytes', (addon) => {
  describe.each(['EdDSA', 'Schnorr'] as const)('%s', (name) => {
    const scheme = nativeScheme(name, addon);
    const bit = fc.nat();

    it('blames who sent a changed broadcast, if need be once its share is there', async () => {
      const { broadcasts, shares } = await toFirst();
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(0, 1, 2), bit, async (part, at) => {
          const first = scheme.keygen(1, 2, 3);
          await first.round1();
          const { commitment, proof } = broadcasts.get(2)!;
          const theirs: Round1 =
            part === 2
              ? { commitment, proof: flipped(proof, at) }
              : { commitment: commitment.map((c, i) => (i === part ? flipped(c, at) : c)), proof };
          const error = await first
            .round2(new Map(broadcasts).set(2, theirs))
            .then(() => first.round3(shares))
            .catch((e: unknown) => e);
          expect(error).toBeInstanceOf(Culprit);
          expect((error as Culprit).identifiers).toEqual([2]);
        }),
      );
    });

    it('blames who sent a changed share', async () => {
      const { broadcasts, shares } = await toFirst();
      await fc.assert(
        fc.asyncProperty(bit, async (at) => {
          const first = scheme.keygen(1, 2, 3);
          await first.round1();
          await first.round2(broadcasts);
          const wrong = new Map(shares).set(3, flipped(shares.get(3)!, at));
          const error = await first.round3(wrong).catch((e: unknown) => e);
          expect(error).toBeInstanceOf(Culprit);
          expect((error as Culprit).identifiers).toEqual([3]);
        }),
      );
    });

    it('makes no signature of changed commitments, shares or messages but a true one', async () => {
      const results = await generate(() => scheme, 2, 3);
      const publicKey = publicKeyOf(name, results[0]!.key.groupKey);
      const keys = await Promise.all(results.slice(0, 2).map(({ key }) => scheme.open(key)));
      const what = fc.constantFrom('hiding', 'binding', 'share', 'message', 'nothing');
      await fc.assert(
        fc.asyncProperty(what, fc.constantFrom(1, 2), bit, fc.uint8Array({ maxLength: 300 }), async (...drawn) => {
          const [change, of, at, message] = drawn;
          const fresh = new Map(
            await Promise.all(keys.map(async (key, i) => [i + 1, (await key.commit(1))[0]!] as const)),
          );
          const honest = { message, commitments: fresh as ReadonlyMap<number, NonceCommitment> };
          // The coordinator, party 1, is told something else than party 2 signs.
          const told = { ...honest, commitments: new Map(honest.commitments) };
          if (change === 'hiding' || change === 'binding')
            told.commitments.set(of, { ...fresh.get(of)!, [change]: flipped(fresh.get(of)![change], at) });
          if (change === 'message') told.message = message.length === 0 ? Uint8Array.of(0) : flipped(message, at);
          const made = await Promise.all([
            keys[0]!.sign(fresh.get(1)!.nonce, told).catch((e: unknown) => e),
            keys[1]!.sign(fresh.get(2)!.nonce, honest),
          ]);
          const [mine, theirs] = made;
          if (!(mine instanceof Uint8Array)) {
            // Its own commitment is not what it is told, or theirs is no point.
            expect(['hiding', 'binding']).toContain(change);
            if (of === 2) expect((mine as BadCommitment).identifiers).toEqual([2]);
            return;
          }
          const shares = new Map([
            [1, mine],
            [2, theirs],
          ]);
          if (change === 'share') shares.set(of, flipped(shares.get(of)!, at));
          const signature = await keys[0]!.aggregate(told, shares).catch((e: unknown) => e);
          if (signature instanceof Uint8Array) {
            expect(change).toBe('nothing');
            expect(verifySignature(name, publicKey, told.message, signature)).toBe(true);
          } else {
            expect(change).not.toBe('nothing');
            expect(signature).toBeInstanceOf(Culprit);
            expect((signature as Culprit).identifiers).toEqual([change === 'share' ? of : 2]);
          }
        }),
        { numRuns: 300 },
      );
    });

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

    /** What parties 2 and 3 say to party 1; their shares do not depend on what it says. */
    async function toFirst() {
      const runs = [1, 2, 3].map((i) => scheme.keygen(i, 2, 3));
      const said = await Promise.all(runs.map(async (run, i) => [i + 1, await run.round1()] as const));
      const shares = new Map<number, Uint8Array>();
      for (const from of [2, 3]) {
        const heard = new Map(said.filter(([i]) => i !== from));
        shares.set(from, (await runs[from - 1]!.round2(heard)).get(1)!);
      }
      return { broadcasts: new Map(said.slice(1)), shares };
    }
  });
});

/** `bytes` with one bit changed; which is drawn. */
function flipped(bytes: Uint8Array, drawn: number): Uint8Array<ArrayBuffer> {
  const changed = Uint8Array.from(bytes);
  const at = drawn % (8 * bytes.length);
  changed[at >> 3]! ^= 1 << (at & 7);
  return changed;
}
