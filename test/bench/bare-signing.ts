import { randomBytes } from 'node:crypto';
import { schnorr } from '@noble/curves/secp256k1.js';
import { frostSuite, publicKeyOf } from '../../signer/scheme/frost-suite.ts';
import type { FrostScheme } from '../../signer/scheme/scheme.ts';
import { verifySignature } from '../../signer/scheme/verify.ts';
import type { Size } from './options.ts';

/**
 * What a signature costs without Holdfast: commit, share, aggregate and verify of all `t` parties by the library, one
 * after another in this process, over the suite that signers use. The key is a dealer's: signing cannot tell. BIP-340 is
 * verified by the library too, although signers have a faster verifier: what is compared with stays what it was.
 */
export function bareSigning(scheme: FrostScheme, { t, n }: Size): () => void {
  const { frost } = frostSuite(scheme);
  const dealt = frost.trustedDealer({ min: t, max: n });
  const parties = Object.values(dealt.secretShares).slice(0, t);
  const [groupKey] = dealt.public.commitments;
  if (groupKey === undefined) throw new Error('dealer: no group key');
  const publicKey = publicKeyOf(scheme, groupKey);
  return () => {
    const message = Uint8Array.from(randomBytes(32));
    const committed = parties.map((secret) => ({ secret, ...frost.commit(secret) }));
    const commitments = committed
      .map((party) => party.commitments)
      .sort((a, b) => (a.identifier < b.identifier ? -1 : 1));
    const shares = Object.fromEntries(
      committed.map(({ secret, nonces }) => [
        secret.identifier,
        frost.signShare(secret, dealt.public, nonces, commitments, message),
      ]),
    );
    const signature = frost.aggregate(dealt.public, commitments, message, shares);
    const verified =
      scheme === 'Schnorr'
        ? schnorr.verify(signature, message, publicKey)
        : verifySignature(scheme, publicKey, message, signature);
    if (!verified) throw new Error(`${scheme}: bare signature is wrong`);
  };
}
