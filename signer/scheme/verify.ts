import { createPublicKey, verify as verifyByOpenssl, type KeyObject } from 'node:crypto';
import { hex } from '../../common/bytes.ts';
import { verifyBip340 } from '../../statement/bip340.ts';
import type { FrostScheme } from './scheme.ts';

/**
 * Single-party verification by other code than the engine's: Ed25519 by OpenSSL, BIP-340 by libsecp256k1. `publicKey`
 * is 32 bytes. Never throws.
 */
export function verifySignature(
  scheme: FrostScheme,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  switch (scheme) {
    case 'EdDSA':
      return verifyEd25519(publicKey, message, signature);
    case 'Schnorr':
      return verifyBip340(publicKey, message, signature);
  }
}

/** Keys of a wallet are few; a caller that verifies under many cannot grow this. */
const CACHED_KEYS = 64;
const ed25519Keys = new Map<string, KeyObject>();

function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verifyByOpenssl(null, message, ed25519Key(publicKey), signature);
  } catch {
    return false;
  }
}

function ed25519Key(publicKey: Uint8Array): KeyObject {
  const name = hex(publicKey);
  const cached = ed25519Keys.get(name);
  if (cached !== undefined) return cached;
  const x = Buffer.from(publicKey).toString('base64url');
  const key = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } });
  if (ed25519Keys.size >= CACHED_KEYS) ed25519Keys.clear();
  ed25519Keys.set(name, key);
  return key;
}
