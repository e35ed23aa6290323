import { secp256k1 } from '@noble/curves/secp256k1.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, fromHex, hex, sha256 } from '../common/bytes.ts';
import groups from '../test/vectors/wycheproof/ecdsa-secp256k1-sha256-p1363.json' with { type: 'json' };
import { verifyEcdsa } from './secp256k1.ts';

const half = secp256k1.Point.Fn.ORDER / 2n;
const withId = (scalars: Uint8Array, id: number): Uint8Array => concat(scalars, Uint8Array.of(id));

describe('verification of ECDSA', () => {
  const cases = groups.flatMap(({ publicKey, tests }) => tests.map((test) => ({ ...test, publicKey })));

  it('has all vectors of Wycheproof, of either result', () => {
    expect(cases).toHaveLength(252);
    expect(new Set(cases.map(({ result }) => result))).toEqual(new Set(['valid', 'invalid']));
  });

  it.each(cases)('agrees with Wycheproof on $tcId ($comment) where s is low', ({ publicKey, msg, sig, result }) => {
    const key = secp256k1.Point.fromHex(publicKey).toBytes(true);
    const scalars = fromHex(sig);
    const isLow = scalars.length === 64 && BigInt(`0x${hex(scalars.subarray(32))}`) <= half;
    const ids = [0, 1, 2, 3].filter((id) => verifyEcdsa(key, sha256(fromHex(msg)), withId(scalars, id)));
    // Of the four only one recovery id leads to the key.
    expect(ids).toHaveLength(result === 'valid' && isLow ? 1 : 0);
  });

  const secret = sha256(Buffer.from('a key'));
  const publicKey = secp256k1.getPublicKey(secret);
  const message = sha256(Buffer.from('a message'));
  const [id = 0, ...scalars] = secp256k1.sign(message, secret, { prehash: false, format: 'recovered' });
  const signature = withId(Uint8Array.from(scalars), id);

  it('takes what noble signs, and the other s or the other recovery id never', () => {
    expect(verifyEcdsa(publicKey, message, signature)).toBe(true);
    expect(verifyEcdsa(publicKey, message, signature.with(64, 1 - id))).toBe(false);
    const { r, s } = secp256k1.Signature.fromBytes(signature.subarray(0, 64));
    const high = new secp256k1.Signature(r, secp256k1.Point.Fn.ORDER - s).toBytes();
    for (const other of [id, 1 - id]) expect(verifyEcdsa(publicKey, message, withId(high, other))).toBe(false);
  });

  it('takes the highest low s, and not the next one', () => {
    // Of any s a signature can be made: the key of R and s over a hash is what recovery gives.
    for (const [s, verdict] of [
      [half, true],
      [half + 1n, false],
    ] as const) {
      const made = new secp256k1.Signature(secp256k1.Signature.fromBytes(signature.subarray(0, 64)).r, s);
      const key = made.addRecoveryBit(0).recoverPublicKey(message).toBytes(true);
      expect(verifyEcdsa(key, message, withId(made.toBytes(), 0))).toBe(verdict);
    }
  });

  it('says false to any flipped bit of key, message or signature', () => {
    const all = concat(publicKey, message, signature);
    fc.assert(
      fc.property(fc.nat(all.length - 1), fc.nat(7), (at, bit) => {
        const flipped = all.with(at, (all[at] ?? 0) ^ (1 << bit));
        const parts = [flipped.subarray(0, 33), flipped.subarray(33, 65), flipped.subarray(65)] as const;
        expect(verifyEcdsa(...parts)).toBe(false);
      }),
    );
  });

  it('says false, not an error, to whatever has another length or is no key', () => {
    expect(verifyEcdsa(publicKey.slice(1), message, signature)).toBe(false);
    expect(verifyEcdsa(secp256k1.getPublicKey(secret, false), message, signature)).toBe(false);
    expect(verifyEcdsa(new Uint8Array(33).fill(255), message, signature)).toBe(false);
    expect(verifyEcdsa(publicKey, message.slice(1), signature)).toBe(false);
    expect(verifyEcdsa(publicKey, message, signature.slice(0, 64))).toBe(false);
    expect(verifyEcdsa(publicKey, message, new Uint8Array(65))).toBe(false);
    expect(verifyEcdsa(publicKey, message, new Uint8Array(65).fill(255).with(64, 0))).toBe(false);
  });
});
