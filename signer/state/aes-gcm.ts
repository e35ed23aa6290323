import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { concat, secretCopy, utf8 } from '../../common/bytes.ts';

const ALGORITHM = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Bytes that encryption adds. */
export const OVERHEAD = IV_BYTES + TAG_BYTES;

/** AES-256-GCM under a fresh random IV, bound to `associated`: IV, ciphertext, tag. */
export function encrypt(key: Uint8Array, plaintext: Uint8Array, associated: readonly string[]): Uint8Array {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES }).setAAD(encodeWords(associated));
  return concat(iv, cipher.update(plaintext), cipher.final(), cipher.getAuthTag());
}

/** The plaintext of {@link encrypt}, which the caller zeroes; undefined where key, words or any byte differ. */
export function decrypt(key: Uint8Array, sealed: Uint8Array, associated: readonly string[]): Uint8Array | undefined {
  if (sealed.length < OVERHEAD) return undefined;
  const end = sealed.length - TAG_BYTES;
  const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
    .setAAD(encodeWords(associated))
    .setAuthTag(sealed.subarray(end));
  // GCM is a stream: `update` gives all of the plaintext, in a buffer of its own, and `final` only checks the tag.
  const plaintext = decipher.update(sealed.subarray(IV_BYTES, end));
  try {
    decipher.final();
    return secretCopy(plaintext);
  } catch {
    return undefined;
  } finally {
    plaintext.fill(0);
  }
}

/** Words with their lengths, so that no two lists are the same bytes. */
function encodeWords(words: readonly string[]): Uint8Array {
  return concat(
    ...words.map(utf8).flatMap((word) => {
      const length = new Uint8Array(4);
      new DataView(length.buffer).setUint32(0, word.length);
      return [length, word];
    }),
  );
}
