import { secretCopy } from '../../common/bytes.ts';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { messageOf, UserError } from '../../common/errors.ts';
import { decrypt, encrypt } from './aes-gcm.ts';
import type { Seal } from './seal.ts';

const KEY_BYTES = 32;
/** Room for base64 and a line end; a longer file is no key. */
const MOST_BYTES = 64;

/**
 * A seal whose key is in `file`: 32 random bytes, raw or in base64. It is read for each use and zeroed after, so that
 * it is not in memory while the signer serves. Throws a UserError where the file is not such a key, or open to others.
 */
export function keyFileSeal(file: string): Seal {
  const use = <T>(run: (key: Uint8Array) => T): T => {
    const key = readKey(file);
    try {
      return run(key);
    } finally {
      key.fill(0);
    }
  };
  use(() => {});
  return {
    description: `key file ${file}`,
    wrap: async (dataKey, associated) => use((key) => encrypt(key, dataKey, associated)),
    unwrap: async (wrapped, associated) => {
      const dataKey = use((key) => decrypt(key, wrapped, associated));
      if (dataKey === undefined)
        throw new Error(
          `the key in ${file} does not open it: it was sealed with another key or for another purpose, or was changed`,
        );
      return dataKey;
    },
  };
}

function readKey(file: string): Uint8Array {
  const bytes = Buffer.alloc(MOST_BYTES + 1);
  try {
    const length = readInto(file, bytes);
    const content = bytes.subarray(0, length);
    // 32 bytes that are all text are a password or a shorter key in hex or base64: random ones never are.
    if (length === KEY_BYTES && content.some((byte) => byte < 0x20 || byte > 0x7e)) return secretCopy(content);
    const key = fromBase64(content);
    if (key !== undefined) return key;
    throw new UserError(
      `seal key file ${file}: want ${KEY_BYTES} random bytes, raw or in base64; its ${length > MOST_BYTES ? `over ${MOST_BYTES}` : length} bytes are neither`,
      ['make one with: holdfast seal new'],
    );
  } finally {
    bytes.fill(0);
  }
}

/** Reads `file` after checking that it is for this user's eyes: a mounted Secret may be readable by the pod's group. */
function readInto(file: string, bytes: Uint8Array): number {
  let handle: number | undefined;
  try {
    handle = openSync(file, 'r');
    const stats = fstatSync(handle);
    if (!stats.isFile()) throw new UserError(`seal key file ${file}: want a file, got a folder or device`);
    if ((stats.mode & 0o027) !== 0)
      throw new UserError(
        `seal key file ${file}: its mode ${(stats.mode & 0o777).toString(8)} lets others read or change it`,
        [`chmod 600 ${file}`],
      );
    return readSync(handle, bytes, 0, bytes.length, 0);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`seal key file ${file}: ${messageOf(error)}`, ['make one with: holdfast seal new']);
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

function fromBase64(bytes: Buffer): Uint8Array | undefined {
  const text = bytes.toString('latin1').replace(/\r?\n$/, '');
  if (!/^[A-Za-z0-9+/]{43}=$/.test(text)) return undefined;
  const decoded = Buffer.from(text, 'base64');
  const key = secretCopy(decoded);
  decoded.fill(0);
  return key;
}
