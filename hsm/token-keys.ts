import { createPublicKey } from 'node:crypto';
import { concat, equal, hex } from '../common/bytes.ts';
import { messageOf } from '../common/errors.ts';
import { EC_P256, type KeyFacts, keyFlags, type Pkcs11Module } from './pkcs11-module.ts';
import { TokenFault } from './token-fault.ts';

/** Keys of one holder, checked: handles of those that stay in the token, and the public one. */
export type TokenKeys = {
  readonly kek: KeyFacts['handle'];
  readonly auditKey: KeyFacts['handle'];
  /** SubjectPublicKeyInfo, DER. */
  readonly auditPublicKey: Uint8Array;
};

export const kekLabel = (wallet: string, holder: string): string => `holdfast:${wallet}/${holder}`;
/** Not the KEK's: that one is alone under its label. */
export const auditLabel = (wallet: string, holder: string): string => `holdfast-audit:${wallet}/${holder}`;

const SPKI_P256 = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');
/** DER: an octet string of 65 bytes. */
const POINT_HEADER = Uint8Array.of(0x04, 0x41);

/** The KEK under `label`, undefined where there is none; throws KeyRefused where it is not as demanded. */
export function findKek(module: Pkcs11Module, label: string): KeyFacts['handle'] | undefined {
  const [key, ...others] = module.find(label);
  if (key === undefined) return undefined;
  if (others.length > 0) refuse(label, `${others.length + 1} objects have this label: the KEK has to be alone`);
  if (key.kind !== 'secret' || key.type !== 'AES' || key.valueLength !== 32)
    refuse(label, 'want an AES key of 32 bytes');
  demandKept(label, key);
  return key.handle;
}

/** The audit key pair under `label`, undefined where there is nothing; throws KeyRefused where it is not as demanded. */
export function findAuditKey(
  module: Pkcs11Module,
  label: string,
): Pick<TokenKeys, 'auditKey' | 'auditPublicKey'> | undefined {
  const found = module.find(label);
  if (found.length === 0) return undefined;
  const own = found.find(({ kind }) => kind === 'private');
  const open = found.find(({ kind }) => kind === 'public');
  if (found.length !== 2 || own === undefined || open === undefined)
    refuse(label, `want one key pair under this label, got ${found.map(({ kind }) => kind).join(', ')}`);
  for (const { type, curve } of [own, open])
    if (type !== 'EC' || curve === undefined || !equal(curve, EC_P256)) refuse(label, 'want a key pair on P-256');
  demandKept(label, own);
  return { auditKey: own.handle, auditPublicKey: publicKeyOf(label, open) };
}

function demandKept(label: string, key: KeyFacts): void {
  const wrong = keyFlags.filter((flag) => key.flags[flag] !== (flag !== 'EXTRACTABLE'));
  if (wrong.length === 0) return;
  const found = wrong.map((flag) => `${flag}=${key.flags[flag] ?? 'unknown'}`).join(', ');
  refuse(label, `${found}: want a key made in the token that never could leave it`);
}

function publicKeyOf(label: string, { point }: KeyFacts): Uint8Array {
  // Some modules give the bare point instead of the octet string that the standard wants.
  const bare = point?.length === 67 && equal(point.subarray(0, 2), POINT_HEADER) ? point.subarray(2) : point;
  if (bare?.length !== 65 || bare[0] !== 4)
    refuse(label, `CKA_EC_POINT is no point: ${hex(point ?? new Uint8Array())}`);
  const spki = concat(SPKI_P256, bare);
  try {
    createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch (error) {
    refuse(label, `CKA_EC_POINT is not on the curve: ${messageOf(error)}`);
  }
  return spki;
}

function refuse(label: string, why: string): never {
  throw new TokenFault('KeyRefused', `key ${label} is refused: ${why}`);
}
