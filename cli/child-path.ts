import { quote } from '../common/bytes.ts';
import { UserError } from '../common/errors.ts';
import { rootKeyOf } from '../policy/child-key.ts';
import type { RootKey } from '../policy/child-key.ts';
import type { SchemeName } from '../policy/effect.ts';
import { pathForm } from '../statement/statement-forms.ts';
import type { CertificateStatement } from '../statement/statements.ts';
import { exitCodes } from './exit-codes.ts';

/** What `--path` says; "" for the key itself, where it was not given. */
export function childPath(given: string | undefined): string {
  if (given === undefined) return '';
  try {
    return pathForm(given, '--path');
  } catch {
    throw new UserError(
      `--path: want a path of non-hardened children like m/0/7, got ${quote(given, 120)}`,
      [
        given === 'm'
          ? 'for the key itself leave --path out'
          : 'a number is at most 2147483647, and there are at most ten',
      ],
      exitCodes.usage,
    );
  }
}

/** The key of a certificate, which has children where `path` is one. */
export function parentOf(certificate: CertificateStatement, path: string): RootKey {
  checkChild(path, certificate.scheme, `key ${certificate.key}`);
  return rootKeyOf(certificate);
}

/** Refuses a path below a key that has no children; `what` is of that key. */
export function checkChild(path: string, scheme: SchemeName, what: string): void {
  if (path === '' || scheme === 'ECDSA') return;
  throw new UserError(`--path: ${what} is of scheme ${scheme}, whose keys have no children`, [
    whyChildless[scheme],
    'keys of scheme ECDSA have them',
  ]);
}

const whyChildless: Readonly<Record<Exclude<SchemeName, 'ECDSA'>, string>> = {
  EdDSA: 'children of Ed25519 keys are hardened (SLIP-10): they take the private key, which exists nowhere',
  Schnorr: 'no library derives children of a taproot key whose private key is shared',
};
