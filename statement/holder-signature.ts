import type { KeyObject } from 'node:crypto';
import { sshKeyOfSpki } from './ssh-key.ts';
import { signSshsig, verifySshsig } from './sshsig.ts';

export const requestNamespace = 'request@holdfast.dev';
export const approvalNamespace = 'approval@holdfast.dev';
export const holderNamespace = 'holder@holdfast.dev';

/** A holder's armored signature of a statement, by its identity. */
export const signAsHolder = (statement: Uint8Array, privateKey: KeyObject): string =>
  signSshsig({ namespace: holderNamespace, message: statement, privateKey });

/** Throws unless `armored` is the signature of exactly this statement by the identity (SubjectPublicKeyInfo, DER). */
export const verifyHolder = (statement: Uint8Array, armored: string, identity: Uint8Array): void =>
  verifySshsig({ armored, namespace: holderNamespace, message: statement, key: sshKeyOfSpki(identity) });
