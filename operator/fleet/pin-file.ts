import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { SecretSource } from '../store/secret-source.ts';
import { unlessMissing, writeAtomically } from '../atomic-file.ts';
import type { SignerSpec } from './fleet.ts';
import type { SealProblem } from './seal-key-file.ts';

const MOST_BYTES = 256;

/**
 * Writes the PIN of a token to `file` as the Secret has it, for the sidecar alone. Only where it is another: the sidecar
 * tries each version of the file once, so that a wrong PIN does not lock the token.
 */
export async function writePin(
  secrets: SecretSource,
  { namespace, seal }: SignerSpec,
  file: string,
): Promise<SealProblem | undefined> {
  const secret = await secrets.secret(namespace, seal.secret);
  const pin = secret?.get(seal.key);
  if (pin === undefined)
    return {
      reason: 'SealNotFound',
      message: `there is no key ${seal.key} in a Secret ${namespace}/${seal.secret}: it has the PIN of the token; for a new token make one: holdfast seal new ${seal.secret} -n ${namespace} --key ${seal.key} -o DIR/pin.yaml, DIR being the folder of manifests`,
    };
  if (pin.length === 0 || pin.length > MOST_BYTES)
    return {
      reason: 'SealInvalid',
      message: `key ${seal.key} of Secret ${namespace}/${seal.secret}: want a PIN of 1 to ${MOST_BYTES} bytes, got ${pin.length}`,
    };
  const before = await unlessMissing(readFile(file));
  try {
    if (before?.equals(pin) === true) return undefined;
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeAtomically(file, pin);
    return undefined;
  } finally {
    before?.fill(0);
  }
}
