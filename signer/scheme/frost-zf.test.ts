import { readFileSync } from 'node:fs';
import type { DKG_Secret } from '@noble/curves/abstract/frost.js';
import { describe, expect, it } from 'vitest';
import { fromHex, hex } from '../../common/bytes.ts';
import { describeAddon } from '../../test/addon.ts';
import { frostScheme, inlineEngine } from './frost-scheme.ts';
import { frostSuite, publicKeyOf } from './frost-suite.ts';
import { nativeScheme } from './native-scheme.ts';
import { Culprit, type KeyShare, type Scheme, type SigningInput } from './scheme.ts';

/** As test/vectors/frost-zf/README.md describes it. */
type Ceremony = {
  threshold: number;
  parties: {
    coefficients: string[];
    commitment: string[];
    proof: string;
    sent: Record<string, string>;
    share: string;
    verificationShare: string;
  }[];
  groupKey: string;
  signings: {
    message: string;
    signers: Record<string, Record<'hidingNonce' | 'bindingNonce' | 'hiding' | 'binding' | 'signatureShare', string>>;
    signature: string;
  }[];
};

const bytes = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(fromHex(text));
const recorded = (file: string): Ceremony[] =>
  (
    JSON.parse(readFileSync(new URL(`../../test/vectors/frost-zf/${file}`, import.meta.url), 'utf8')) as {
      ceremonies: Ceremony[];
    }
  ).ceremonies;

const engine = inlineEngine();

describe.each([
  ['EdDSA', 'ed25519.json', 32],
  ['Schnorr', 'secp256k1-tr.json', 33],
] as const)('%s beside the Zcash Foundation’s implementation', (name, file, pointBytes) => {
  const suite = frostSuite(name);
  const { frost } = suite;
  const id = (identifier: number | string): string => frost.Identifier.fromNumber(Number(identifier));
  const ceremonies = recorded(file).map((c) => [c.threshold, c.parties.length, c] as const);

  const keyOf = (c: Ceremony, identifier: number): KeyShare => ({
    identifier,
    threshold: c.threshold,
    share: bytes(c.parties[identifier - 1]!.share),
    groupKey: bytes(c.groupKey),
    verificationShares: c.parties.map((p) => bytes(p.verificationShare)),
  });
  const inputOf = ({ message, signers }: Ceremony['signings'][number]): SigningInput => ({
    message: bytes(message),
    commitments: new Map(
      Object.entries(signers).map(([i, s]) => [Number(i), { hiding: bytes(s.hiding), binding: bytes(s.binding) }]),
    ),
  });

  it('was recorded with every quorum of 2 of 3 and 3 of 5', () => {
    expect(ceremonies.map(([t, n, c]) => [t, n, c.signings.length])).toEqual([
      [2, 3, 3],
      [3, 5, 10],
    ]);
    for (const [, , c] of ceremonies) expect(bytes(c.groupKey)).toHaveLength(pointBytes);
  });

  it.each(ceremonies)('%i of %i: in any party’s place, sends and keeps what theirs did', (t, n, c) => {
    for (const [at, own] of c.parties.entries()) {
      expect(own.coefficients.map((x) => hex(suite.verificationShare(bytes(x))))).toEqual(own.commitment);
      const secret: DKG_Secret = {
        identifier: BigInt(at + 1),
        coefficients: own.coefficients.map((x) => frost.utils.Fn.fromBytes(bytes(x))),
        commitment: own.commitment.map(bytes),
        signers: { min: t, max: n },
        step: 1,
      };
      const others = c.parties
        .map((p, i) => ({
          identifier: id(i + 1),
          commitment: p.commitment.map(bytes),
          proofOfKnowledge: bytes(p.proof),
        }))
        .filter((_, i) => i !== at);
      const sent = frost.DKG.round2(secret, others);
      expect(Object.entries(own.sent).map(([to, share]) => [id(to), share])).toEqual(
        Object.keys(own.sent).map((to) => [id(to), hex(sent[id(to)]!.signingShare)]),
      );
      const received = c.parties.flatMap((p, i) =>
        i === at ? [] : [{ identifier: id(i + 1), signingShare: bytes(p.sent[at + 1]!) }],
      );
      const key = frost.DKG.round3(secret, others, received);
      expect(hex(key.secret.signingShare)).toBe(own.share);
      expect(hex(key.public.commitments[0]!)).toBe(c.groupKey);
      expect(c.parties.map((_, i) => hex(key.public.verifyingShares[id(i + 1)]!))).toEqual(
        c.parties.map((p) => p.verificationShare),
      );
    }
    const constants = c.parties.map((p) => bytes(p.commitment[0]!));
    expect(suite.internalKey(constants, bytes(c.groupKey))).toHaveLength(name === 'EdDSA' ? 0 : 32);
  });

  it.each(ceremonies)('%i of %i: makes the same signature shares from the same nonces', (t, n, c) => {
    const group = {
      signers: { min: t, max: n },
      commitments: [bytes(c.groupKey)],
      verifyingShares: Object.fromEntries(c.parties.map((p, i) => [id(i + 1), bytes(p.verificationShare)])),
    };
    for (const { message, signers } of c.signings) {
      const list = Object.entries(signers).map(([i, s]) => ({
        identifier: id(i),
        hiding: bytes(s.hiding),
        binding: bytes(s.binding),
      }));
      for (const [i, s] of Object.entries(signers)) {
        expect(hex(suite.verificationShare(bytes(s.hidingNonce)))).toBe(s.hiding);
        expect(hex(suite.verificationShare(bytes(s.bindingNonce)))).toBe(s.binding);
        const secret = { identifier: id(i), signingShare: bytes(c.parties[Number(i) - 1]!.share) };
        const nonces = { hiding: bytes(s.hidingNonce), binding: bytes(s.bindingNonce) };
        expect(hex(frost.signShare(secret, group, nonces, list, bytes(message))), `identifier ${i}`).toBe(
          s.signatureShare,
        );
      }
    }
  });

  /** What either engine makes of them. */
  const meets = (scheme: Scheme): void => {
    it.each(ceremonies)(
      '%i of %i: accepts each of their proofs of knowledge, and blames who changed one',
      async (t, n, c) => {
        const run = scheme.keygen(1, t, n);
        await run.round1();
        const broadcasts = new Map(
          c.parties.map((p, i) => [i + 1, { commitment: p.commitment.map(bytes), proof: bytes(p.proof) }] as const),
        );
        broadcasts.delete(1);
        await expect(run.round2(broadcasts)).resolves.toHaveProperty('size', n - 1);

        const cheated = scheme.keygen(1, t, n);
        await cheated.round1();
        const proof = bytes(c.parties[1]!.proof).map((b, i) => (i === 40 ? b ^ 1 : b));
        const error: unknown = await cheated
          .round2(broadcasts.set(2, { ...broadcasts.get(2)!, proof }))
          .catch((e: unknown) => e);
        expect(error).toBeInstanceOf(Culprit);
        expect((error as Culprit).identifiers).toEqual([2]);
      },
    );

    it.each(ceremonies)(
      '%i of %i: opens their shares, and puts theirs together to their signature',
      async (_t, _n, c) => {
        const publicKey = publicKeyOf(name, bytes(c.groupKey));
        for (const signing of c.signings) {
          const input = inputOf(signing);
          const shares = new Map(Object.entries(signing.signers).map(([i, s]) => [Number(i), bytes(s.signatureShare)]));
          const [first] = [...shares.keys()];
          const key = await scheme.open(keyOf(c, first!));
          expect(hex(await key.aggregate(input, shares))).toBe(signing.signature);
          expect(scheme.verify(publicKey, input.message, bytes(signing.signature))).toBe(true);

          // Each of theirs is accepted alone: where one is wrong, no other is blamed.
          const wrong = [...shares.keys()].at(-1)!;
          const error: unknown = await key
            .aggregate(
              input,
              new Map(shares).set(
                wrong,
                shares.get(wrong)!.map((b, i) => (i === 16 ? b ^ 1 : b)),
              ),
            )
            .catch((e: unknown) => e);
          expect(error).toBeInstanceOf(Culprit);
          expect((error as Culprit).identifiers).toEqual([wrong]);
          key.close();
        }
      },
    );
  };

  describe('by @noble/curves', () => {
    meets(frostScheme(name, engine));
  });
  describeAddon('by the addon', (addon) => {
    meets(nativeScheme(name, addon));
  });
});
