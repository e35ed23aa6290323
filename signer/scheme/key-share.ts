import { concat, secretCopy } from '../../common/bytes.ts';
import { checkParties, exactLength } from './frost-keygen.ts';
import { frostSuite, SCALAR_LENGTH } from './frost-suite.ts';
import type { FrostScheme, KeyShare } from './scheme.ts';

/**
 * How a key share is kept, inside its seal: version 1, scheme, identifier, threshold, number of parties (a byte each),
 * share, group key, verification shares in order of identifiers. Nothing has a choice of form.
 */
const VERSION = 1;
const HEADER = 5;
const codes: Readonly<Record<FrostScheme, number>> = { EdDSA: 1, Schnorr: 2 };

/** The bytes of `key`, secret like the share in them. */
export function encodeKeyShare(scheme: FrostScheme, key: KeyShare): Uint8Array {
  const parties = key.verificationShares.length;
  checkParties(key.identifier, key.threshold, parties);
  const { pointLength } = frostSuite(scheme);
  exactLength(key.share, SCALAR_LENGTH, 'share');
  for (const point of [key.groupKey, ...key.verificationShares]) exactLength(point, pointLength, 'point');
  const header = Uint8Array.of(VERSION, codes[scheme], key.identifier, key.threshold, parties);
  return concat(header, key.share, key.groupKey, ...key.verificationShares);
}

/** Reads {@link encodeKeyShare}'s bytes into a share of its own memory; throws on anything else. Points are not checked. */
export function decodeKeyShare(scheme: FrostScheme, bytes: Uint8Array): KeyShare {
  const [version, code, identifier = 0, threshold = 0, parties = 0] = bytes;
  if (version !== VERSION) throw new Error(`key share: want version ${VERSION}, got ${version}`);
  if (code !== codes[scheme]) throw new Error(`key share: want scheme ${codes[scheme]} (${scheme}), got ${code}`);
  checkParties(identifier, threshold, parties);
  const { pointLength } = frostSuite(scheme);
  exactLength(bytes, HEADER + SCALAR_LENGTH + (1 + parties) * pointLength, 'key share');
  const points = HEADER + SCALAR_LENGTH;
  const point = (index: number): Uint8Array =>
    Uint8Array.from(bytes.subarray(points + index * pointLength, points + (index + 1) * pointLength));
  return {
    identifier,
    threshold,
    share: secretCopy(bytes.subarray(HEADER, points)),
    groupKey: point(0),
    verificationShares: Array.from({ length: parties }, (_, i) => point(i + 1)),
  };
}
