import { HDKey } from '@scure/bip32';
import { hex } from '../common/bytes.ts';
import { Refused } from '../common/errors.ts';
import type { PublicKey } from './effect.ts';

/** A key as its certificate has it; with a chain code it has BIP-32 children. */
export type RootKey = PublicKey & {
  /** 32 bytes; absent where the scheme has no children. */
  readonly chainCode?: Uint8Array;
};

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
  if (scheme !== 'ECDSA' || chainCode === undefined)
    throw new Refused('Unsupported', `path ${path}: keys of scheme ${scheme} have no children, ECDSA keys have`);
  const id = `${hex(bytes)}${hex(chainCode)}${path}`;
  const child = known.get(id) ?? derive(bytes, chainCode, path);
  known.delete(id);
  known.set(id, child);
  const [oldest = ''] = known.size > MOST_KNOWN ? known.keys() : [];
  known.delete(oldest);
  return { scheme, bytes: Uint8Array.from(child) };
}

function derive(publicKey: Uint8Array, chainCode: Uint8Array, path: string): Uint8Array {
  let child: HDKey;
  try {
    child = new HDKey({ publicKey: Uint8Array.from(publicKey), chainCode: Uint8Array.from(chainCode) }).derive(path);
  } catch {
    throw new Refused('Malformed', `path ${path}: want non-hardened children like m/0/5`);
  }
  if (child.publicKey === null) throw new Refused('Internal', `path ${path} has no public key`);
  return child.publicKey;
}

/** The extended public key (BIP-32, serialization; version of Bitcoin's main network), for whoever derives addresses. */
export const extendedPublicKey = (publicKey: Uint8Array, chainCode: Uint8Array): string =>
  new HDKey({ publicKey: Uint8Array.from(publicKey), chainCode: Uint8Array.from(chainCode) }).publicExtendedKey;
