import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClientIdentity } from '../client/pinned-tls.ts';
import { selfSignedCertificate } from '../common/certificate.ts';
import { UserError, messageOf } from '../common/errors.ts';

/** The operator's identity from its state, for what only the operator may ask. */
export async function readOperatorIdentity(state: string): Promise<ClientIdentity> {
  const file = join(state, 'operator', 'identity.pem');
  try {
    const privateKey = createPrivateKey(await readFile(file));
    return { privateKey, certificate: selfSignedCertificate({ commonName: 'operator', privateKey }) };
  } catch (error) {
    throw new UserError(`${file}: cannot read the operator's identity: ${messageOf(error)}`, [
      'only who runs the operator may read audit logs',
    ]);
  }
}
