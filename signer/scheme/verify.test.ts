import { readFileSync } from 'node:fs';
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fromHex } from '../../common/bytes.ts';
import { verifySignature } from './verify.ts';

describe('verification of BIP-340', () => {
  // index, secret key, public key, aux_rand, message, signature, verification result, comment
  const rows = readFileSync(new URL('../../test/vectors/bip340/test-vectors.csv', import.meta.url), 'utf8')
    .trim()
    .split(/\r?\n/)
    .slice(1)
    .map((line) => line.split(','));

  it('has all vectors of the BIP', () => {
    expect(rows.length).toBeGreaterThanOrEqual(19);
  });

  it.each(rows)('agrees with vector %s', (_index, _secret, publicKey, _random, message, signature, result) => {
    const [key, text, sig] = [publicKey, message, signature].map((h) => fromHex(h.toLowerCase()));
    expect(verifySignature('Schnorr', key!, text!, sig!)).toBe(result === 'TRUE');
  });
});

describe('verification of Ed25519', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const key = Uint8Array.from(Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url'));
  const message = Uint8Array.of(1, 2, 3);
  const signature = Uint8Array.from(sign(null, message, privateKey));

  it('accepts a signature over exactly this message under exactly this key', () => {
    expect(verifySignature('EdDSA', key, message, signature)).toBe(true);
    expect(verifySignature('EdDSA', key, Uint8Array.of(1, 2), signature)).toBe(false);
    expect(
      verifySignature(
        'EdDSA',
        Uint8Array.from(key, (b) => b ^ 1),
        message,
        signature,
      ),
    ).toBe(false);
    expect(
      verifySignature(
        'EdDSA',
        key,
        message,
        signature.map((b, i) => (i === 40 ? b ^ 1 : b)),
      ),
    ).toBe(false);
  });

  it('says false, not an error, to keys and signatures of wrong length', () => {
    expect(verifySignature('EdDSA', key.slice(1), message, signature)).toBe(false);
    expect(verifySignature('EdDSA', key, message, signature.slice(1))).toBe(false);
    expect(verifySignature('Schnorr', key, message, Uint8Array.of(...signature, 0))).toBe(false);
    expect(verifySignature('Schnorr', new Uint8Array(32).fill(255), message, signature)).toBe(false);
  });
});
