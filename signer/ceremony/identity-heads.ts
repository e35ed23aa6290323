import { sign } from 'node:crypto';
import type { HeadSigner, Identity } from './environment.ts';

/** Heads signed with the identity, which is the audit key where there is no HSM. */
export const identityHeads = ({ privateKey, spki }: Omit<Identity, 'nonce'>): HeadSigner => ({
  publicKey: spki,
  async sign(bytes) {
    return Uint8Array.from(sign(null, bytes, privateKey));
  },
});
