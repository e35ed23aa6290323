import { readFileSync } from 'node:fs';
import { ED25519_TORSION_SUBGROUP } from '@noble/curves/ed25519.js';
import type { DKG_Secret } from '@noble/curves/abstract/frost.js';
import { describe, expect, it } from 'vitest';
import { fromHex, hex } from '../../common/bytes.ts';
import { frostSuite } from './frost-suite.ts';
import type { FrostScheme } from './scheme.ts';
import { verifySignature } from './verify.ts';

const vectors = (path: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../test/vectors/${path}`, import.meta.url), 'utf8'));

type SigningVectors = {
  threshold: number;
  groupPublicKey: string;
  message: string;
  shares: Record<string, string>;
  signers: Record<
    string,
    Record<
      | 'hidingNonceRandomness'
      | 'bindingNonceRandomness'
      | 'hidingNonce'
      | 'bindingNonce'
      | 'hidingNonceCommitment'
      | 'bindingNonceCommitment'
      | 'signatureShare',
      string
    >
  >;
  signature: string;
};

/** Key generation as party 1 sees it. */
type DkgVectors = {
  threshold: number;
  coefficients: string[];
  received: Record<string, string>;
  share: string;
  groupKey: string;
  parties: { commitment: string[]; proof: string; verificationShare: string }[];
};

describe('the EdDSA suite', () => {
  it('reproduces RFC 9591 E.1 from nonce randomness to signature', () => {
    const v = vectors('rfc9591/frost-ed25519-sha512.json') as SigningVectors;
    const { frost, verificationShare } = frostSuite('EdDSA');
    const name = (id: string): string => frost.Identifier.fromNumber(Number(id));
    const group = {
      signers: { min: v.threshold, max: Object.keys(v.shares).length },
      commitments: [Uint8Array.from(fromHex(v.groupPublicKey))],
      verifyingShares: Object.fromEntries(
        Object.entries(v.shares).map(([id, share]) => [name(id), Uint8Array.from(verificationShare(fromHex(share)))]),
      ),
    };
    const secretOf = (id: string) => ({ identifier: name(id), signingShare: Uint8Array.from(fromHex(v.shares[id]!)) });
    const made = Object.entries(v.signers).map(([id, signer]) => {
      const random = [signer.hidingNonceRandomness, signer.bindingNonceRandomness].map((r) =>
        Uint8Array.from(fromHex(r)),
      );
      const { nonces, commitments } = frost.commit(secretOf(id), () => random.shift()!);
      expect(hex(nonces.hiding)).toBe(signer.hidingNonce);
      expect(hex(nonces.binding)).toBe(signer.bindingNonce);
      expect(hex(commitments.hiding)).toBe(signer.hidingNonceCommitment);
      expect(hex(commitments.binding)).toBe(signer.bindingNonceCommitment);
      return { id, nonces, commitments };
    });
    const list = made.map((m) => m.commitments);
    const message = Uint8Array.from(fromHex(v.message));
    const shares = Object.fromEntries(
      made.map(({ id, nonces }) => [name(id), frost.signShare(secretOf(id), group, nonces, list, message)]),
    );
    for (const [id, { signatureShare }] of Object.entries(v.signers))
      expect(hex(shares[name(id)]!)).toBe(signatureShare);
    const signature = frost.aggregate(group, list, message, shares);
    expect(hex(signature)).toBe(v.signature);
    expect(verifySignature('EdDSA', fromHex(v.groupPublicKey), message, signature)).toBe(true);
  });

  it('refuses points of small order and points that carry one', () => {
    const suite = frostSuite('EdDSA');
    for (const point of ED25519_TORSION_SUBGROUP) expect(() => suite.checkPoint(fromHex(point))).toThrow();
    const base = suite.verificationShare(Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 7 : 0)));
    expect(() => suite.checkPoint(base)).not.toThrow();
  });
});

describe('the Schnorr suite', () => {
  it.each([2, 3])('signs with a key whose group key begins with 0%i as the library does', (firstByte) => {
    const { frost, forSigning } = frostSuite('Schnorr');
    const message = Uint8Array.from({ length: 32 }, (_, i) => i);
    let key = frost.trustedDealer({ min: 2, max: 3 });
    while (key.public.commitments[0]?.[0] !== firstByte) key = frost.trustedDealer({ min: 2, max: 3 });
    const parties = Object.values(key.secretShares).slice(0, 2);
    const made = parties.map((secret) => ({ secret, ...frost.commit(secret) }));
    const list = made.map(({ commitments }) => commitments);
    for (const { secret, nonces } of made) {
      const changed = forSigning({
        share: Uint8Array.from(secret.signingShare),
        groupKey: key.public.commitments[0],
        verificationShares: Object.values(key.public.verifyingShares),
      });
      expect(changed.groupKey[0]).toBe(2);
      const group = {
        signers: { min: 2, max: 3 },
        commitments: [Uint8Array.from(changed.groupKey)],
        verifyingShares: Object.fromEntries(
          Object.keys(key.public.verifyingShares).map((id, i) => [id, Uint8Array.from(changed.verificationShares[i]!)]),
        ),
      };
      const copy = { hiding: Uint8Array.from(nonces.hiding), binding: Uint8Array.from(nonces.binding) };
      const share = frost.signShare({ ...secret, signingShare: changed.share }, group, copy, list, message);
      expect(frost.verifyShare(key.public, list, message, secret.identifier, share)).toBe(true);
      expect(hex(share)).toBe(hex(frost.signShare(secret, key.public, nonces, list, message)));
    }
  });
});

describe.each([
  ['EdDSA', 'frost-dkg/ed25519.json'],
  ['Schnorr', 'frost-dkg/secp256k1-tr.json'],
] as const)('key generation of the %s suite', (scheme: FrostScheme, file) => {
  const v = vectors(file) as DkgVectors;
  const suite = frostSuite(scheme);
  const { frost } = suite;
  const name = (id: number | string): string => frost.Identifier.fromNumber(Number(id));
  const bytes = (text: string) => Uint8Array.from(fromHex(text));

  it('agrees with another implementation on proofs, shares, group key and taproot tweak', () => {
    const secret: DKG_Secret = {
      identifier: 1n,
      coefficients: v.coefficients.map((c) => frost.utils.Fn.fromBytes(bytes(c))),
      commitment: v.parties[0]!.commitment.map(bytes),
      signers: { min: v.threshold, max: v.parties.length },
      step: 1,
    };
    const others = v.parties
      .map((p, i) => ({
        identifier: name(i + 1),
        commitment: p.commitment.map(bytes),
        proofOfKnowledge: bytes(p.proof),
      }))
      .slice(1);
    frost.DKG.round2(secret, others);
    const received = Object.entries(v.received).map(([id, share]) => ({
      identifier: name(id),
      signingShare: bytes(share),
    }));
    const key = frost.DKG.round3(secret, others, received);
    expect(hex(key.secret.signingShare)).toBe(v.share);
    expect(hex(key.public.commitments[0]!)).toBe(v.groupKey);
    expect(hex(suite.verificationShare(fromHex(v.share)))).toBe(v.parties[0]!.verificationShare);
    v.parties.forEach((p, i) => expect(hex(key.public.verifyingShares[name(i + 1)]!)).toBe(p.verificationShare));
  });

  it('finds the internal key of the group key, and refuses another group key', () => {
    const constants = v.parties.map((p) => fromHex(p.commitment[0]!));
    expect(suite.internalKey(constants, fromHex(v.groupKey))).toHaveLength(scheme === 'EdDSA' ? 0 : 32);
    expect(() => suite.internalKey(constants.slice(1), fromHex(v.groupKey))).toThrow('not the sum');
  });
});
