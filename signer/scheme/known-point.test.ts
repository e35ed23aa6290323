import { ed25519, ED25519_TORSION_SUBGROUP } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex } from '../../common/bytes.ts';
import { FrostSigning } from './frost-signing.ts';
import { frostSuite } from './frost-suite.ts';
import { KnownPoint } from './known-point.ts';
import { BadCommitment, type NonceCommitment } from './scheme.ts';

const base = ed25519.Point.BASE;
const small = ED25519_TORSION_SUBGROUP.map((point) => ed25519.Point.fromBytes(fromHex(point)));
const verdict = (read: () => unknown): unknown => {
  try {
    return read();
  } catch {
    return 'unreadable';
  }
};

describe('KnownPoint', () => {
  it('judges any bytes as the library does, also when it is asked again', () => {
    const points = fc
      .tuple(fc.bigInt({ min: 1n, max: 1_000n }), fc.constantFrom(...small))
      .map(([k, torsion]) => base.multiply(k).add(torsion).toBytes());
    fc.assert(
      fc.property(fc.oneof(points, fc.uint8Array({ minLength: 30, maxLength: 34 })), (bytes) => {
        const expected = verdict(() => ed25519.Point.fromBytes(Uint8Array.from(bytes)).isTorsionFree());
        for (let times = 0; times < 3; times++)
          expect(verdict(() => KnownPoint.fromBytes(Uint8Array.from(bytes)).isTorsionFree())).toBe(expected);
      }),
    );
  });

  it('reads bytes that the caller changes afterwards as they were', () => {
    const bytes = base.multiply(11n).toBytes();
    const point = KnownPoint.fromBytes(bytes);
    bytes.set(base.multiply(12n).toBytes());
    expect(KnownPoint.fromBytes(bytes).equals(base.multiply(12n))).toBe(true);
    expect(point.equals(base.multiply(11n))).toBe(true);
  });

  it('keeps a bounded number', () => {
    const bytes = base.multiply(13n).toBytes();
    const point = KnownPoint.fromBytes(bytes);
    expect(KnownPoint.fromBytes(bytes)).toBe(point);
    const far = base.multiply(1_000n);
    let other = base;
    for (let count = 0; count < 1_024; count++) KnownPoint.fromBytes((other = other.add(far)).toBytes());
    expect(KnownPoint.fromBytes(bytes)).not.toBe(point);
  });

  it('has FROST refuse a commitment of small order each time, whatever this process made', () => {
    const { frost, made } = frostSuite('EdDSA');
    const { public: group, secretShares } = frost.trustedDealer({ min: 2, max: 2 });
    const [own, peer] = Object.values(secretShares);
    const { commitments: theirs } = frost.commit(peer!);
    for (const torsion of small)
      for (let times = 0; times < 2; times++) {
        const { nonces, commitments } = frost.commit(own!);
        made(commitments.hiding);
        made(commitments.binding);
        const hiding = Uint8Array.from(KnownPoint.fromBytes(theirs.hiding).add(torsion).toBytes());
        const sign = () => frost.signShare(own!, group, nonces, [commitments, { ...theirs, hiding }], Uint8Array.of(1));
        if (torsion.is0()) expect(sign()).toHaveLength(32);
        else expect(sign).toThrow('subgroup');
      }
  });

  it('takes nothing for made here that the caller wrote over a commitment', () => {
    const { frost } = frostSuite('EdDSA');
    const { public: group, secretShares } = frost.trustedDealer({ min: 2, max: 2 });
    const [own, peer] = Object.values(secretShares);
    const verificationShares = Object.values(group.verifyingShares);
    const signing = new FrostSigning('EdDSA', {
      identifier: 1,
      threshold: 2,
      share: own!.signingShare,
      groupKey: group.commitments[0]!,
      verificationShares,
    });
    const theirs = frost.commit(peer!).commitments;
    const tainted = Uint8Array.from(
      KnownPoint.fromBytes(theirs.hiding)
        .add(small.find((p) => !p.is0())!)
        .toBytes(),
    );
    const message = Uint8Array.of(1);
    const [first, second] = signing.commit(2);
    first!.hiding.set(tainted);
    expect(() =>
      signing.sign(first!.nonce, {
        message,
        commitments: new Map<number, NonceCommitment>([
          [1, first!],
          [2, theirs],
        ]),
      }),
    ).toThrow();
    const commitments = new Map<number, NonceCommitment>([
      [1, second!],
      [2, { ...theirs, hiding: tainted }],
    ]);
    expect(() => signing.sign(second!.nonce, { message, commitments })).toThrow(BadCommitment);
  });
});
