import { randomBytes } from 'node:crypto';
import { createFROST, type FROST, type FrostPublic } from '@noble/curves/abstract/frost.js';
import { ed25519 } from '@noble/curves/ed25519.js';
import { schnorr, schnorr_FROST } from '@noble/curves/secp256k1.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { publicKeyOf } from '../../signer/scheme/frost-suite.ts';
import type { FrostScheme } from '../../signer/scheme/scheme.ts';
import { verifySignature } from '../../signer/scheme/verify.ts';
import type { Size } from './options.ts';

/** The library's suites; that of Ed25519 without the second subgroup check of the shipped one (ADR 8). */
const suites = {
  EdDSA: createFROST({ name: 'FROST-ED25519-SHA512-v1', Point: ed25519.Point, hash: sha512, H2: '' }),
  Schnorr: schnorr_FROST,
} as const;

/**
 * What a signature costs without Holdfast: commit, share, aggregate and verify of all `t` parties by the library, one
 * after another in this process. It has nothing of what signers do to be faster: points that are parsed once, taproot
 * keys of even Y, libsecp256k1 to verify. Two keys take turns, of either Y, as half of all taproot keys have an odd one.
 * They are a dealer's: signing cannot tell.
 */
export function bareSigning(scheme: FrostScheme, { t, n }: Size): () => void {
  const frost = suites[scheme];
  const dealt = (isWanted: (groupKey: Uint8Array) => boolean): ReturnType<FROST['trustedDealer']> => {
    const key = frost.trustedDealer({ min: t, max: n });
    return isWanted(groupKeyOf(key.public)) ? key : dealt(isWanted);
  };
  const [any, even, odd] = [() => true, (key: Uint8Array) => key[0] === 2, (key: Uint8Array) => key[0] === 3];
  const keys = (scheme === 'Schnorr' ? [even, odd] : [any]).map(dealt);
  let count = 0;
  return () => {
    const key = keys[count++ % keys.length];
    if (key !== undefined) signOnce(scheme, frost, key, t);
  };
}

function signOnce(scheme: FrostScheme, frost: FROST, key: ReturnType<FROST['trustedDealer']>, t: number): void {
  const message = Uint8Array.from(randomBytes(32));
  const parties = Object.values(key.secretShares).slice(0, t);
  const committed = parties.map((secret) => ({ secret, ...frost.commit(secret) }));
  const commitments = committed
    .map((party) => party.commitments)
    .sort((a, b) => (a.identifier < b.identifier ? -1 : 1));
  const shares = Object.fromEntries(
    committed.map(({ secret, nonces }) => [
      secret.identifier,
      frost.signShare(secret, key.public, nonces, commitments, message),
    ]),
  );
  const signature = frost.aggregate(key.public, commitments, message, shares);
  const publicKey = publicKeyOf(scheme, groupKeyOf(key.public));
  const verified =
    scheme === 'Schnorr'
      ? schnorr.verify(signature, message, publicKey)
      : verifySignature(scheme, publicKey, message, signature);
  if (!verified) throw new Error(`${scheme}: bare signature is wrong`);
}

function groupKeyOf({ commitments: [groupKey] }: FrostPublic): Uint8Array {
  if (groupKey === undefined) throw new Error('dealer: no group key');
  return groupKey;
}
