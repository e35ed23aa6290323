import { recover } from 'tiny-secp256k1';
import { equal, fromHex } from '../common/bytes.ts';

/** r, s and the recovery id. */
const signatureBytes = 65;
/** Half the order of the group, rounded down: the highest s that is the low one of two. */
const highestLowS = fromHex('7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0');

/**
 * Whether `signature` (r, s, recovery id: 65 bytes) is an ECDSA one over the 32-byte hash `message` under the compressed
 * `publicKey` (33 bytes), with the low s. Of all keys it is valid under exactly one that has this recovery id, so that to
 * recover it is to verify. Bitcoin Core's libsecp256k1, compiled to WebAssembly, is the judge. Never throws on bytes.
 */
export function verifyEcdsa(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 33 || message.length !== 32 || signature.length !== signatureBytes) return false;
  const [recoveryId = 4] = signature.subarray(signatureBytes - 1);
  if (!isRecoveryId(recoveryId) || Buffer.compare(signature.subarray(32, 64), highestLowS) > 0) return false;
  try {
    const recovered = recover(message, signature.subarray(0, 64), recoveryId, true);
    return recovered !== null && equal(recovered, publicKey);
  } catch {
    // A scalar outside its range, an r that is no point's.
    return false;
  }
}

const isRecoveryId = (id: number): id is 0 | 1 | 2 | 3 => id <= 3;
