import { generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { chmod, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, UserError } from '../../common/errors.ts';
import type { Log } from '../../common/log.ts';
import { isMissing, writeAtomically } from '../atomic-file.ts';
import { identityOf, parseIdentityKey } from '../operator-identity.ts';
import type { OperatorIdentity } from '../operator-identity.ts';

/**
 * The operator's Ed25519 key in `folder`, made where there is none. Losing it loses no more than a restart of the
 * signers, which are started for one fingerprint. Throws a UserError where the file is no such key.
 */
export async function loadOrCreateOperatorIdentity(folder: string, log: Log): Promise<OperatorIdentity> {
  const file = join(folder, 'identity.pem');
  return identityOf((await load(file, log)) ?? (await create(file, folder)));
}

async function load(file: string, log: Log): Promise<KeyObject | undefined> {
  try {
    const { mode } = await stat(file);
    if ((mode & 0o077) !== 0) {
      log.warn('the operator identity was readable by others, and is not any more', { file });
      await chmod(file, 0o600);
    }
    return parseIdentityKey(await readFile(file));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new UserError(`cannot use the operator identity ${file}: ${messageOf(error)}`, [
      'remove the file: the operator makes another identity, and restarts its signers for it',
    ]);
  }
}

async function create(file: string, scratch: string): Promise<KeyObject> {
  const { privateKey } = generateKeyPairSync('ed25519');
  await writeAtomically(file, privateKey.export({ format: 'pem', type: 'pkcs8' }), scratch);
  return privateKey;
}
