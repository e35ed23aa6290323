import { schnorr } from '@noble/curves/secp256k1.js';
import { verifySchnorr } from 'tiny-secp256k1';

/**
 * Whether `signature` (64 bytes) is one over `message` under the x-only `publicKey` (32 bytes) as BIP-340 says. Bitcoin
 * Core's libsecp256k1, compiled to WebAssembly, is the judge of the 32-byte messages that Bitcoin signs; the wrapper
 * takes no others, which @noble/curves judges. Never throws on bytes.
 */
export function verifyBip340(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  if (message.length !== 32) return schnorr.verify(signature, message, publicKey);
  try {
    return verifySchnorr(message, publicKey, signature);
  } catch {
    // A key that is no point, a signature outside its ranges.
    return false;
  }
}
