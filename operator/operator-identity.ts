import { createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fingerprintOfCertificate, selfSignedCertificate } from '../common/certificate.ts';
import { messageOf, UserError } from '../common/errors.ts';
import type { ClientIdentity } from '../client/pinned-tls.ts';

/** As whom the operator speaks to signers, which are started for one fingerprint: `sha256:` and 64 hex digits. */
export type OperatorIdentity = ClientIdentity & { readonly fingerprint: string };

/** The identity of an Ed25519 key. */
export function identityOf(privateKey: KeyObject): OperatorIdentity {
  const certificate = selfSignedCertificate({ commonName: 'holdfast operator', privateKey });
  return { privateKey, certificate, fingerprint: fingerprintOfCertificate(certificate) };
}

/** The Ed25519 key in a PKCS#8 PEM; throws without quoting it where it is none. */
export function parseIdentityKey(pem: Uint8Array): KeyObject {
  const key = createPrivateKey(Buffer.from(pem));
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`want an Ed25519 key, got ${key.asymmetricKeyType}`);
  return key;
}

/** The identity in a file that others wrote and keep, as a mounted Secret; throws a UserError where it is no such key. */
export async function readOperatorIdentity(file: string): Promise<OperatorIdentity> {
  try {
    return identityOf(parseIdentityKey(await readFile(file)));
  } catch (error) {
    throw new UserError(
      `cannot use the operator identity ${file}: ${messageOf(error)}`,
      ['want an Ed25519 key, PKCS#8 in PEM: openssl genpkey -algorithm ed25519'],
      2,
    );
  }
}
