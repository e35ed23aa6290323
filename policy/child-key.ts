import { HDKey } from '@scure/bip32';
import { fromHex, hex } from '../common/bytes.ts';
import { Refused } from '../common/errors.ts';
import type { CertificateStatement } from '../statement/statements.ts';
import type { PublicKey } from './effect.ts';

/** A key as its certificate has it; with a chain code it has BIP-32 children. */
export type RootKey = PublicKey & {
  /** 32 bytes; absent where the scheme has no children. */
  readonly chainCode?: Uint8Array;
};

/** The key that a certificate is of. */
export const rootKeyOf = ({ scheme, publicKey, chainCode }: CertificateStatement): RootKey => ({
  scheme,
  bytes: fromHex(publicKey, 'publicKey'),
  ...(chainCode !== '' && { chainCode: fromHex(chainCode, 'chainCode') }),
});

/** Children that were derived lately: each takes milliseconds. */
const MOST_KNOWN = 1_024;
const known = new Map<string, Uint8Array>();

/**
 * The public key at `path` below `root`, as `m/0/7`; the key itself for "". Throws {@link Refused}: children are
 * of ECDSA keys, and not hardened, for these need the private key. BIP-32, "Public parent key -> public child key".
 */
export function keyAt(root: RootKey, path: string): PublicKey {
  const { scheme, bytes, chainCode } = root;
  if (path === '') return { scheme, bytes };
  const id = `${scheme}${hex(bytes)}${hex(chainCode ?? new Uint8Array())}${path}`;
  const child = known.get(id) ?? publicKeyOf(derive(root, path), path);
  known.delete(id);
  known.set(id, child);
  const [oldest = ''] = known.size > MOST_KNOWN ? known.keys() : [];
  known.delete(oldest);
  return { scheme, bytes: Uint8Array.from(child) };
}

/**
 * The extended public key at `path` below `root` (BIP-32, serialization; version of Bitcoin's main network), for whoever
 * derives addresses. Throws as {@link keyAt}, also for the key itself.
 */
export const extendedPublicKey = (root: RootKey, path: string): string => derive(root, path).publicExtendedKey;

function derive({ scheme, bytes, chainCode }: RootKey, path: string): HDKey {
  if (scheme !== 'ECDSA' || chainCode === undefined)
    throw new Refused(
      'Unsupported',
      `path ${path === '' ? 'm' : path}: keys of scheme ${scheme} have no children, ECDSA keys have`,
    );
  const root = new HDKey({ publicKey: Uint8Array.from(bytes), chainCode: Uint8Array.from(chainCode) });
  if (path === '') return root;
  try {
    return root.derive(path);
  } catch {
    throw new Refused('Malformed', `path ${path}: want non-hardened children like m/0/5`);
  }
}

function publicKeyOf({ publicKey }: HDKey, path: string): Uint8Array {
  if (publicKey === null) throw new Refused('Internal', `path ${path} has no public key`);
  return publicKey;
}
