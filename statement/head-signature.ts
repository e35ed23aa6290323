import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { hex } from '../common/bytes.ts';
import type { Head } from './audit.ts';
import { holderNamespace } from './holder-signature.ts';
import { sshsigPayload } from './sshsig.ts';
import { encodeStatement } from './statements.ts';

/** A head of an audit log with the signature of its holder's audit key: 64 bytes. */
export type SignedHead = { readonly head: Head; readonly signature: Uint8Array };

/** Whose log it is. */
export type LogOwner = { readonly genesis: string; readonly holder: string };

/** What a holder signs of its log: the statement that the signature of a head is over. */
export const headStatement = ({ genesis, holder }: LogOwner, { sequence, hash }: Head): Uint8Array =>
  encodeStatement({
    type: 'holdfast/head/v1',
    genesis,
    holder,
    sequence: String(sequence),
    hash: `sha256:${hex(hash)}`,
  });

/** The bytes that the audit key signs: those of an SSHSIG, so that `ssh-keygen -Y verify` can check what is armored. */
export const headPayload = (owner: LogOwner, head: Head): Uint8Array =>
  sshsigPayload(holderNamespace, headStatement(owner, head));

/** Parsed keys by the bytes that they were parsed of: those of a genesis live as long as its signer. */
const parsed = new WeakMap<Uint8Array, KeyObject>();

function keyOf(spki: Uint8Array): KeyObject {
  const known = parsed.get(spki) ?? createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  parsed.set(spki, known);
  return known;
}

/**
 * Whether `signed` was signed by the audit key (Ed25519 or P-256 SubjectPublicKeyInfo, DER) for this log. False, and
 * never an error, on whatever a peer may send.
 */
export function isSignedHead(owner: LogOwner, { head, signature }: SignedHead, auditKey: Uint8Array): boolean {
  if (head.sequence < 1n || head.sequence >= 2n ** 63n || head.hash.length !== 32 || signature.length !== 64)
    return false;
  const key = keyOf(auditKey);
  const payload = headPayload(owner, head);
  return key.asymmetricKeyType === 'ed25519'
    ? verify(null, payload, key, signature)
    : verify('sha256', payload, { key, dsaEncoding: 'ieee-p1363' }, signature);
}
