import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { quote, utf8 } from '../../common/bytes.ts';
import { messageOf, UserError } from '../../common/errors.ts';
import { type Identity, SealUnavailable } from '../ceremony/environment.ts';
import { openSealed, sealBytes, type Seal } from './seal.ts';
import type { Snapshot, Store } from './store.ts';

/** Where what is made at the first start lies in the store; written together, once. */
const META = { owner: 'owner', identity: 'identity', nonce: 'nonce' } as const;

const NONCE_BYTES = 32;

/**
 * The Ed25519 identity and genesis nonce of the signer of `wallet` (namespace/name) and `holder`: made and sealed at the
 * first start, the same ever after. Throws a UserError where the state is another signer's, has lost its identity, or
 * `seal` does not open it; nothing is made anew then.
 */
export async function loadOrCreateIdentity(options: {
  readonly store: Store;
  readonly seal: Seal;
  readonly wallet: string;
  readonly holder: string;
  /** Unix seconds. */
  readonly now: number;
}): Promise<Identity> {
  const { store, seal, wallet, holder } = options;
  const owner = `${wallet}/${holder}`;
  const associated = [wallet, holder, 'identity'];
  const snapshot = store.load();
  const known = snapshot.meta.get(META.owner);
  const sealed = snapshot.meta.get(META.identity);
  const nonce = snapshot.meta.get(META.nonce);
  // Bytes that are no text are another signer's too.
  const written = known === undefined ? undefined : Buffer.from(known).toString();
  if (written !== undefined && written !== owner)
    throw new UserError(`this state is that of signer ${named(written)}, this one is configured as ${owner}`, [
      'give each signer a folder of its own',
    ]);
  if (known !== undefined && sealed !== undefined && nonce?.length === NONCE_BYTES)
    return { ...(await open(seal, sealed, associated, owner)), nonce };
  if (!isNew(store, snapshot))
    throw new UserError(`the state of signer ${owner} has lost its identity`, [
      'keep the folder as it is: a new identity would be another signer, with none of its shares',
    ]);
  const fresh = randomBytes(NONCE_BYTES);
  const made = await sealNew(seal, associated);
  // Opened before it is kept: a seal that cannot open what it closed is found out while nothing is lost.
  const identity = await open(seal, made, associated, owner);
  const meta = { [META.owner]: utf8(owner), [META.identity]: made, [META.nonce]: Uint8Array.from(fresh) };
  await store.write({ meta, now: options.now });
  return { ...identity, nonce: Uint8Array.from(fresh) };
}

/** Whether the signer of `store` has sealed nothing yet. */
export const nothingSealed = (store: Store): boolean => isNew(store, store.load());

/** A signer's name as it is written in its state; quoted where it is none. */
const named = (owner: string): string => (/^[-a-z0-9/]{1,255}$/.test(owner) ? owner : quote(owner));

function isNew(store: Store, { meta, keys, unfinished, peers }: Snapshot): boolean {
  for (const _ of store.ledgerRows()) return false;
  const used = meta.size + keys.length + unfinished.length + peers.length;
  return used === 0 && store.head.sequence === 0n;
}

async function sealNew(seal: Seal, associated: readonly string[]): Promise<Uint8Array> {
  const pkcs8 = generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' });
  try {
    return await sealBytes(seal, pkcs8, associated);
  } finally {
    pkcs8.fill(0);
  }
}

async function open(
  seal: Seal,
  sealed: Uint8Array,
  associated: readonly string[],
  owner: string,
): Promise<Omit<Identity, 'nonce'>> {
  let pkcs8: Uint8Array;
  try {
    pkcs8 = await openSealed(seal, sealed, associated);
  } catch (error) {
    if (error instanceof SealUnavailable) throw error;
    throw new UserError(`${seal.description} does not open the identity of signer ${owner}: ${messageOf(error)}`, [
      'give it the seal key that this signer was first started with: without that key its shares are lost',
    ]);
  }
  try {
    const der = Buffer.from(pkcs8.buffer, pkcs8.byteOffset, pkcs8.length);
    const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
    return { privateKey, spki: Uint8Array.from(spki) };
  } finally {
    pkcs8.fill(0);
  }
}
