import { randomFillSync } from 'node:crypto';
import { concat, secretBytes } from '../../common/bytes.ts';
import { decrypt, encrypt, OVERHEAD } from './aes-gcm.ts';

/**
 * What protects a holder's secrets at rest: wraps data keys with a key of its own that never leaves it, whether that is
 * a file's or an HSM's. `associated` says what the data key is for: `[wallet, holder, "identity"]` for the identity,
 * `[genesis, holder, key, attempt, epoch]` for a share. Unwrapping rejects under other words.
 */
export interface Seal {
  /** Which seal this is, for messages to people: "key file /etc/holdfast/kek". */
  readonly description: string;
  wrap(dataKey: Uint8Array, associated: readonly string[]): Promise<Uint8Array>;
  unwrap(wrapped: Uint8Array, associated: readonly string[]): Promise<Uint8Array>;
}

const VERSION = 1;
const KEY_BYTES = 32;
/** The version and the two bytes of the wrapped key's length. */
const HEADER_BYTES = 3;

/**
 * Seals `plaintext` under a fresh data key: version, length of the wrapped key, wrapped key, IV, ciphertext, tag.
 * It opens only with the same seal and the same `associated` words. The caller zeroes `plaintext`.
 */
export async function sealBytes(seal: Seal, plaintext: Uint8Array, associated: readonly string[]): Promise<Uint8Array> {
  const dataKey = randomFillSync(secretBytes(KEY_BYTES));
  try {
    const wrapped = await seal.wrap(dataKey, associated);
    if (wrapped.length > 0xffff)
      throw new Error(`${seal.description} wraps a key to ${wrapped.length} bytes, want at most 65535`);
    const header = Uint8Array.of(VERSION, wrapped.length >> 8, wrapped.length & 0xff);
    return concat(header, wrapped, encrypt(dataKey, plaintext, associated));
  } finally {
    dataKey.fill(0);
  }
}

/** The plaintext of {@link sealBytes}; the caller zeroes it. Rejects where the seal, the words or any byte differ. */
export async function openSealed(seal: Seal, sealed: Uint8Array, associated: readonly string[]): Promise<Uint8Array> {
  const [version, high = 0, low = 0] = sealed;
  if (version !== VERSION) throw new Error(`sealed data is of version ${version ?? 'none'}, want ${VERSION}`);
  const start = HEADER_BYTES + ((high << 8) | low);
  if (sealed.length < start + OVERHEAD) throw new Error(`sealed data is cut off after ${sealed.length} bytes`);
  const dataKey = await seal.unwrap(sealed.subarray(HEADER_BYTES, start), associated);
  try {
    if (dataKey.length !== KEY_BYTES)
      throw new Error(`${seal.description} unwraps a key of ${dataKey.length} bytes, want ${KEY_BYTES}`);
    const plaintext = decrypt(dataKey, sealed.subarray(start), associated);
    if (plaintext === undefined) throw new Error('sealed data was changed');
    return plaintext;
  } finally {
    dataKey.fill(0);
  }
}
