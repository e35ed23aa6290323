import type { KeyObject } from 'node:crypto';
import { sshKeyOf } from '../statement/ssh-key.ts';
import type { SshPublicKey } from '../statement/ssh-key.ts';
import { signSshsig } from '../statement/sshsig.ts';

/** Signs with one SSH key, wherever its private half lies: in this process or in an agent. */
export interface SshSigner {
  readonly key: SshPublicKey;
  /** The armored SSHSIG of `message` in `namespace`. */
  sign(namespace: string, message: Uint8Array, signal?: AbortSignal): Promise<string>;
}

/** A signer with an Ed25519 or P-256 private key of this process. */
export const keySigner = (privateKey: KeyObject): SshSigner => ({
  key: sshKeyOf(privateKey),
  sign: async (namespace, message) => signSshsig({ namespace, message, privateKey }),
});
