import { recover, verify } from 'tiny-secp256k1';
import { equal } from '../common/bytes.ts';

/** r, s and the recovery id. */
const signatureBytes = 65;

/**
 * Whether `signature` (r, s, recovery id: 65 bytes) is an ECDSA one over the 32-byte hash `message` under the compressed
 * `publicKey` (33 bytes): its s is the low one of the two that there are, and the recovery id leads to this key. Bitcoin
 * Core's libsecp256k1, compiled to WebAssembly, is the judge. Never throws on bytes.
 */
export function verifyEcdsa(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 33 || message.length !== 32 || signature.length !== signatureBytes) return false;
  const [recoveryId = 4] = signature.subarray(signatureBytes - 1);
  if (!isRecoveryId(recoveryId)) return false;
  const scalars = signature.subarray(0, signatureBytes - 1);
  try {
    if (!verify(message, publicKey, scalars, true)) return false;
    const recovered = recover(message, scalars, recoveryId, true);
    return recovered !== null && equal(recovered, publicKey);
  } catch {
    // A key that is no point, a scalar outside its range.
    return false;
  }
}

const isRecoveryId = (id: number): id is 0 | 1 | 2 | 3 => id <= 3;
