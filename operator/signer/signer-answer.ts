import { digest, quote } from '../../common/bytes.ts';
import { fingerprintOfCertificate } from '../../common/certificate.ts';
import type { SignerId } from '../fleet/fleet.ts';
import type { Description } from '../../proto/gen/signer/v1/signer.ts';

/** What came of asking a signer who it is. */
export type SignerAnswer =
  | { readonly kind: 'Described'; readonly fingerprint: string; readonly description: Description }
  /** Something answered that has another key than the one pinned. */
  | { readonly kind: 'Stranger'; readonly message: string }
  /** `sealProblem` is what it waits for where that is its HSM. */
  | { readonly kind: 'Silent'; readonly message: string; readonly sealProblem?: string };

const digestPattern = /^sha256:[0-9a-f]{64}$/;

/**
 * Holds a description to whom it must be of and to the key that its TLS connection proved; throws on what cannot go
 * into a genesis or a status. Texts come back as one line of bounded length.
 */
export function checkDescription(description: Description, id: SignerId, fingerprint: string): Description {
  const { wallet, holder, identity, nonce, certificate, genesis, policyDigest, version, keys, peers, problems } =
    description;
  if (wallet !== id.wallet || holder !== id.holder)
    throw new Error(
      `signer of ${id.wallet}, holder ${id.holder}: says that it is ${quote(holder)} of ${quote(wallet)}`,
    );
  const fail = (what: string): never => {
    throw new Error(`signer of ${id.wallet}, holder ${id.holder}: ${what}`);
  };
  if (digest(identity) !== fingerprint) fail(`names another identity than the key of its connection, ${fingerprint}`);
  if (certificateFingerprint(certificate) !== fingerprint)
    fail('names a certificate of another key than that of its connection');
  if (nonce.length !== 32) fail(`want a nonce of 32 bytes, got ${nonce.length}`);
  for (const text of [genesis, policyDigest, ...keys.map((key) => key.certificate)])
    if (text !== '' && !digestPattern.test(text)) fail(`want a digest, got ${quote(text)}`);
  if (keys.length > 64 || peers.length > 9) fail(`describes ${keys.length} keys and ${peers.length} peers`);
  return {
    ...description,
    version: printable(version, 64),
    keys: keys.map((key) => ({
      ...key,
      message: printable(key.message, 500),
      epoch: /^(?:0|[1-9][0-9]{0,14})$/.test(key.epoch) ? key.epoch : '',
    })),
    peers: peers.map((peer) => ({ ...peer, refused: printable(peer.refused, 500) })),
    schemes: description.schemes.slice(0, 8).map(({ name, engine, problem }) => ({
      name: printable(name, 64),
      engine: printable(engine, 64),
      problem: printable(problem, 500),
    })),
    sealState: /^[A-Za-z]{0,40}$/.test(description.sealState) ? description.sealState : 'Unknown',
    problems: problems.slice(0, 8).map((problem) => printable(problem, 500)),
  };
}

function certificateFingerprint(certificate: Uint8Array): string {
  try {
    return fingerprintOfCertificate(certificate);
  } catch {
    return '';
  }
}

const printable = (text: string, limit: number): string => text.slice(0, limit).replaceAll(/\p{C}+/gu, ' ');
