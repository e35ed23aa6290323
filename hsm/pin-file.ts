import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { messageOf } from '../common/errors.ts';
import { TokenFault } from './token-fault.ts';

const MOST_BYTES = 256;

/** A PIN, and which version of its file it came from: a file that was written anew is another version. */
export type Pin = { readonly value: string; readonly version: string };

/** 32 bytes that are no text are what `holdfast seal new` makes: their base64 is the PIN. */
const pinOf = (bytes: Buffer): string =>
  bytes.length === 32 && bytes.some((byte) => byte < 0x20 || byte > 0x7e)
    ? bytes.toString('base64')
    : bytes.toString('utf8').replace(/\r?\n$/, '');

/** Reads the PIN in `file`, without the line's end. PKCS#11 for Node takes a string: nobody can zero it. */
export function readPin(file: string): Pin {
  const bytes = Buffer.alloc(MOST_BYTES + 1);
  let handle: number | undefined;
  try {
    handle = openSync(file, 'r');
    const { mode, dev, ino, mtimeNs, ctimeNs, size } = fstatSync(handle, { bigint: true });
    // A mounted Secret may be readable by the pod's group.
    if ((mode & 0o027n) !== 0n)
      throw new TokenFault('PinMissing', `PIN file ${file} is open to others: chmod 600 ${file}`);
    const length = readSync(handle, bytes, 0, bytes.length, 0);
    const value = pinOf(bytes.subarray(0, length));
    if (value === '' || length > MOST_BYTES)
      throw new TokenFault('PinMissing', `PIN file ${file}: want a PIN of at most ${MOST_BYTES} bytes`);
    return { value, version: [dev, ino, mtimeNs, ctimeNs, size].join(':') };
  } catch (error) {
    if (error instanceof TokenFault) throw error;
    throw new TokenFault('PinMissing', `PIN file ${file}: ${messageOf(error)}`);
  } finally {
    bytes.fill(0);
    if (handle !== undefined) closeSync(handle);
  }
}
