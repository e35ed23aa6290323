import { mkdir, readdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { SecretSource } from '../store/secret-source.ts';
import type { NotRunning, SignerSpec } from './fleet.ts';
import { writeAtomically, unlessMissing } from '../atomic-file.ts';

export type SealProblem = {
  readonly reason: Extract<NotRunning, 'SealNotFound' | 'SealInvalid' | 'SealUnavailable'>;
  readonly message: string;
};

const KEY_BYTES = 32;

/** `file` is where the signer finds its key, `data` its state. */
type SealFiles = { readonly file: string; readonly data: string };

/**
 * Writes the key of a signer's Secret to `file` (base64), for its user alone. A signer with state in `data` was sealed
 * with the key that is there: another one never takes its place, since this may be the only copy left of it.
 */
export async function writeSealKey(
  secrets: SecretSource,
  spec: SignerSpec,
  files: SealFiles,
): Promise<SealProblem | undefined> {
  const found = await readSecret(secrets, spec, files);
  if ('reason' in found) return found;
  try {
    if (found.written) return undefined;
    await mkdir(dirname(files.file), { recursive: true, mode: 0o700 });
    await writeAtomically(files.file, found.text);
    return undefined;
  } finally {
    found.text.fill(0);
  }
}

/** Why a signer could not be started with its Secret as it is now; undefined where it could. Changes nothing. */
export async function checkSealKey(
  secrets: SecretSource,
  spec: SignerSpec,
  files: SealFiles,
): Promise<SealProblem | undefined> {
  const found = await readSecret(secrets, spec, files);
  if ('reason' in found) return found;
  found.text.fill(0);
  return undefined;
}

/** The key in base64, and whether the file has it already; or what is wrong with the Secret. */
async function readSecret(
  secrets: SecretSource,
  { namespace, seal }: SignerSpec,
  { file, data }: SealFiles,
): Promise<SealProblem | { readonly text: Buffer; readonly written: boolean }> {
  const before = await unlessMissing(readFile(file));
  const hasState = ((await unlessMissing(readdir(data))) ?? []).length > 0;
  const putBack = `put back the one that the signer's state was sealed with, no other opens it${before === undefined ? '' : ` (${file} has it)`}`;
  const missing = (what: string, remedy: string): SealProblem => ({
    reason: 'SealNotFound',
    message: `${what}; ${hasState ? putBack : remedy}`,
  });
  try {
    const secret = await secrets.secret(namespace, seal.secret);
    if (secret === undefined)
      return missing(
        `there is no Secret ${namespace}/${seal.secret}, whose key ${seal.key} seals the signer's state`,
        `make one: holdfast seal new ${seal.secret} -n ${namespace} --key ${seal.key} -o DIR/seal.yaml, DIR being the folder of manifests`,
      );
    const value = secret.get(seal.key);
    if (value === undefined)
      return missing(
        `Secret ${namespace}/${seal.secret} has no key ${seal.key} in its data`,
        'name another key in keySecretRef, or add this one to the Secret',
      );
    const key = decodeKey(value);
    if (key === undefined)
      return {
        reason: 'SealInvalid',
        message: `key ${seal.key} of Secret ${namespace}/${seal.secret}: want ${KEY_BYTES} random bytes, raw or in base64; its ${value.length} bytes are neither`,
      };
    const text = Buffer.from(key.toString('base64'));
    key.fill(0);
    const written = before?.equals(text) ?? false;
    if (written || before === undefined || !hasState) return { text, written };
    text.fill(0);
    return {
      reason: 'SealInvalid',
      message: `key ${seal.key} of Secret ${namespace}/${seal.secret} is not the one that the signer's state was sealed with; put that one back (${file} has it)`,
    };
  } finally {
    before?.fill(0);
  }
}

/** 32 bytes that are all text are a password or a shorter key in hex or base64: random ones never are. */
function decodeKey(value: Uint8Array): Buffer | undefined {
  if (value.length === KEY_BYTES)
    return value.some((byte) => byte < 0x20 || byte > 0x7e) ? Buffer.from(value) : undefined;
  const text = value.length <= 64 ? Buffer.from(value).toString('latin1').trimEnd() : '';
  return /^[A-Za-z0-9+/]{43}=$/.test(text) ? Buffer.from(text, 'base64') : undefined;
}
