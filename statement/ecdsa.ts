import { recover, verify } from 'tiny-secp256k1';
import { equal } from '../common/bytes.ts';

/**
 * Whether `signature` (65 bytes: r, s, recovery id) is one over the 32-byte `hash` under the compressed `publicKey` on
 * secp256k1, in its only form: s is not above half the order (BIP-62, EIP-2), and the recovery id gives that key. Bitcoin
 * Core's libsecp256k1, compiled to WebAssembly, is the judge. Never throws on bytes.
 */
export function verifyEcdsa(publicKey: Uint8Array, hash: Uint8Array, signature: Uint8Array): boolean {
  const [id] = signature.subarray(64);
  if (publicKey.length !== 33 || hash.length !== 32 || signature.length !== 65) return false;
  if (id !== 0 && id !== 1 && id !== 2 && id !== 3) return false;
  const rs = signature.subarray(0, 64);
  try {
    const recovered = recover(hash, rs, id, true);
    return verify(hash, publicKey, rs, true) && recovered !== null && equal(recovered, publicKey);
  } catch {
    // A key that is no point, numbers outside their ranges.
    return false;
  }
}
