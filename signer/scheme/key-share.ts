import { concat, secretCopy } from '../../common/bytes.ts';
import { checkParties, exactLength } from './frost-shapes.ts';
import { SCALAR_LENGTH } from './frost-suite.ts';
import type { KeyShare, SchemeName } from './scheme.ts';

/**
 * How a key share is kept, inside its seal: version 1, scheme, identifier, threshold, number of parties (a byte each),
 * share, group key, verification shares in order of identifiers. An ECDSA share, which is as long as its engine makes
 * it, comes after its length (4 bytes, big endian). Nothing has a choice of form.
 */
const VERSION = 1;
const HEADER = 5;
const codes: Readonly<Record<SchemeName, number>> = { EdDSA: 1, Schnorr: 2, ECDSA: 3 };
const pointLengths: Readonly<Record<SchemeName, number>> = { EdDSA: 32, Schnorr: 33, ECDSA: 33 };
/** Some 52 kB for each of the other parties. */
const MOST_SHARE = 2 << 20;

/** The bytes of `key`, secret like the share in them. */
export function encodeKeyShare(scheme: SchemeName, key: KeyShare): Uint8Array {
  const parties = key.verificationShares.length;
  checkParties(key.identifier, key.threshold, parties);
  checkShare(scheme, key.share.length);
  for (const point of [key.groupKey, ...key.verificationShares]) exactLength(point, pointLengths[scheme], 'point');
  const header = Uint8Array.of(VERSION, codes[scheme], key.identifier, key.threshold, parties);
  return concat(header, lengthOf(scheme, key.share), key.share, key.groupKey, ...key.verificationShares);
}

/** Reads {@link encodeKeyShare}'s bytes into a share of its own memory; throws on anything else. Points are not checked. */
export function decodeKeyShare(scheme: SchemeName, bytes: Uint8Array): KeyShare {
  const [version, code, identifier = 0, threshold = 0, parties = 0] = bytes;
  if (version !== VERSION) throw new Error(`key share: want version ${VERSION}, got ${version}`);
  if (code !== codes[scheme]) throw new Error(`key share: want scheme ${codes[scheme]} (${scheme}), got ${code}`);
  checkParties(identifier, threshold, parties);
  const start = HEADER + (scheme === 'ECDSA' ? 4 : 0);
  if (bytes.length < start) throw new Error(`key share: want at least ${start} bytes, got ${bytes.length}`);
  const share = scheme === 'ECDSA' ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(HEADER) : SCALAR_LENGTH;
  checkShare(scheme, share);
  const pointLength = pointLengths[scheme];
  exactLength(bytes, start + share + (1 + parties) * pointLength, 'key share');
  const points = start + share;
  const point = (index: number): Uint8Array =>
    Uint8Array.from(bytes.subarray(points + index * pointLength, points + (index + 1) * pointLength));
  return {
    identifier,
    threshold,
    share: secretCopy(bytes.subarray(start, points)),
    groupKey: point(0),
    verificationShares: Array.from({ length: parties }, (_, i) => point(i + 1)),
  };
}

function checkShare(scheme: SchemeName, length: number): void {
  if (scheme !== 'ECDSA' && length !== SCALAR_LENGTH)
    throw new Error(`share: want ${SCALAR_LENGTH} bytes, got ${length}`);
  if (length === 0 || length > MOST_SHARE) throw new Error(`share: want 1 to ${MOST_SHARE} bytes, got ${length}`);
}

function lengthOf(scheme: SchemeName, share: Uint8Array): Uint8Array {
  const length = Buffer.alloc(scheme === 'ECDSA' ? 4 : 0);
  if (scheme === 'ECDSA') length.writeUInt32BE(share.length);
  return length;
}
