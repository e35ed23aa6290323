import { mkdir, readdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { SecretSource } from '../store/secret-source.ts';
import type { NotRunning, SignerSpec } from './fleet.ts';
import { writeAtomically, unlessMissing } from '../atomic-file.ts';

export type SealProblem = {
  readonly reason: Extract<NotRunning, 'SealNotFound' | 'SealInvalid'>;
  readonly message: string;
};

const KEY_BYTES = 32;

/**
 * Writes the key of a signer's Secret to `file` (base64), for its user alone. A signer with state in `data` was sealed
 * with the key that is there: another one never takes its place, since this may be the only copy left of it.
 */
export async function writeSealKey(
  secrets: SecretSource,
  { namespace, seal }: SignerSpec,
  { file, data }: { readonly file: string; readonly data: string },
): Promise<SealProblem | undefined> {
  const secret = await secrets.secret(namespace, seal.secret);
  if (secret === undefined)
    return {
      reason: 'SealNotFound',
      message: `there is no Secret ${seal.secret} in namespace ${namespace}; make one with: holdfast seal new`,
    };
  const value = secret.get(seal.key);
  if (value === undefined)
    return { reason: 'SealNotFound', message: `Secret ${namespace}/${seal.secret} has no key ${seal.key} in its data` };
  const key = decodeKey(value);
  if (key === undefined)
    return {
      reason: 'SealInvalid',
      message: `key ${seal.key} of Secret ${namespace}/${seal.secret}: want ${KEY_BYTES} random bytes, raw or in base64; its ${value.length} bytes are neither`,
    };
  const text = Buffer.from(key.toString('base64'));
  try {
    const before = await unlessMissing(readFile(file));
    const same = before?.equals(text) ?? false;
    before?.fill(0);
    if (same) return undefined;
    if (before !== undefined && ((await unlessMissing(readdir(data))) ?? []).length > 0)
      return {
        reason: 'SealInvalid',
        message: `key ${seal.key} of Secret ${namespace}/${seal.secret} is not the one that the signer's state was sealed with; put that one back (${file} has it)`,
      };
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeAtomically(file, text);
    return undefined;
  } finally {
    key.fill(0);
    text.fill(0);
  }
}

/** 32 bytes that are all text are a password or a shorter key in hex or base64: random ones never are. */
function decodeKey(value: Uint8Array): Buffer | undefined {
  if (value.length === KEY_BYTES)
    return value.some((byte) => byte < 0x20 || byte > 0x7e) ? Buffer.from(value) : undefined;
  const text = value.length <= 64 ? Buffer.from(value).toString('latin1').trimEnd() : '';
  return /^[A-Za-z0-9+/]{43}=$/.test(text) ? Buffer.from(text, 'base64') : undefined;
}
