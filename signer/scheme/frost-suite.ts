import { createFROST, type FROST } from '@noble/curves/abstract/frost.js';
import { ed25519 } from '@noble/curves/ed25519.js';
import { schnorr, schnorr_FROST, secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToNumberBE } from '@noble/curves/utils.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { equal } from '../../common/bytes.ts';
import { KnownPoint } from './known-point.ts';
import type { FrostScheme, SchemeName } from './scheme.ts';

/** What the engine needs to know of a scheme beside FROST itself. */
export type FrostSuite = {
  readonly scheme: FrostScheme;
  readonly frost: FROST;
  /** Bytes of an encoded point. */
  readonly pointLength: 32 | 33;
  /** Throws unless `bytes` is the one encoding of a point of prime order. */
  checkPoint(bytes: Uint8Array): void;
  /** Throws unless `bytes` is a scalar below the group's order. */
  checkScalar(bytes: Uint8Array): void;
  /**
   * Takes a commitment of this process, an encoding that nobody else chose, before it signs: checking its subgroup would
   * only cost time.
   */
  made(commitment: Uint8Array): void;
  /**
   * The key as signing uses it: for taproot the one whose group key has an even Y (BIP-340), which FROST otherwise makes
   * of it in every step. The share is changed where it is.
   */
  forSigning(key: SigningKeyBytes): SigningKeyBytes;
  /** The verification share of a secret share; throws on zero. */
  verificationShare(share: Uint8Array): Uint8Array;
  /**
   * The x-only key before the taproot tweak, from the parties' constant-term commitments; empty where nothing is
   * tweaked. Throws unless `groupKey` is what they add up to.
   */
  internalKey(constants: readonly Uint8Array[], groupKey: Uint8Array): Uint8Array;
};

/** A share and the public points that belong to it, as encodings that were checked. */
type SigningKeyBytes = {
  readonly share: Uint8Array<ArrayBuffer>;
  readonly groupKey: Uint8Array;
  readonly verificationShares: readonly Uint8Array[];
};

/** Bytes of a scalar, a share and a signature share. */
export const SCALAR_LENGTH = 32;
export const SIGNATURE_LENGTH = 64;
/** Far above any wallet; bounds what a message of many parties can cost. */
export const MAX_PARTIES = 32;

const mismatch = (): Error => new Error('group key is not the sum of the parties’ commitments');

// The suite that @noble/curves ships checks each point's subgroup twice: createFROST does it for every suite, and the
// shipped validatePoint hook does it again. Without the hook, and with points that remember the check, it is
// the same suite in less than half the time; the vectors of RFC 9591 E.1 hold it to that.
const ed25519Frost = createFROST({
  name: 'FROST-ED25519-SHA512-v1',
  Point: KnownPoint,
  hash: sha512,
  H2: '',
});

const eddsa: FrostSuite = {
  scheme: 'EdDSA',
  frost: ed25519Frost,
  pointLength: 32,
  checkPoint(bytes) {
    const point = KnownPoint.fromBytes(bytes);
    point.assertValidity();
    if (!point.isTorsionFree()) throw new Error('point is outside the prime-order subgroup');
  },
  checkScalar: (bytes) => void ed25519.Point.Fn.fromBytes(bytes),
  made: (commitment) => KnownPoint.made(commitment),
  forSigning: (key) => key,
  verificationShare: (share) => ed25519.Point.BASE.multiply(ed25519.Point.Fn.fromBytes(share)).toBytes(),
  internalKey(constants, groupKey) {
    const sum = constants.reduce((sum, c) => sum.add(ed25519.Point.fromBytes(c)), ed25519.Point.ZERO);
    if (!equal(sum.toBytes(), groupKey)) throw mismatch();
    return new Uint8Array();
  },
};

const taproot: FrostSuite = {
  scheme: 'Schnorr',
  frost: schnorr_FROST,
  pointLength: 33,
  checkPoint: (bytes) => secp256k1.Point.fromBytes(bytes).assertValidity(),
  checkScalar: (bytes) => void secp256k1.Point.Fn.fromBytes(bytes),
  made() {}, // The group has prime order.
  forSigning(key) {
    const { Fn } = secp256k1.Point;
    if (hasEvenY(key.groupKey)) return key;
    const negated = (point: Uint8Array): Uint8Array => secp256k1.Point.fromBytes(point).negate().toBytes();
    const share = Fn.toBytes(Fn.neg(Fn.fromBytes(key.share)));
    key.share.set(share);
    share.fill(0);
    return { ...key, groupKey: negated(key.groupKey), verificationShares: key.verificationShares.map(negated) };
  },
  verificationShare: (share) => secp256k1.Point.BASE.multiply(secp256k1.Point.Fn.fromBytes(share)).toBytes(),
  // BIP-341: Q = P + H_TapTweak(P)·G with P's even-Y form and, as there are no scripts, nothing after P in the hash.
  internalKey(constants, groupKey) {
    const sum = constants.reduce((sum, c) => sum.add(secp256k1.Point.fromBytes(c)), secp256k1.Point.ZERO);
    const internal = schnorr.utils.pointToBytes(sum);
    const tweak = bytesToNumberBE(schnorr.utils.taggedHash('TapTweak', internal));
    const output = schnorr.utils.lift_x(bytesToNumberBE(internal)).add(secp256k1.Point.BASE.multiply(tweak));
    if (!equal(output.toBytes(), groupKey)) throw mismatch();
    return internal;
  },
};

/** Of a compressed point of secp256k1 (SEC 1, 2.3.3). */
const hasEvenY = (point: Uint8Array): boolean => point[0] === 2;

const suites: Readonly<Record<FrostScheme, FrostSuite>> = { EdDSA: eddsa, Schnorr: taproot };

export const frostSuite = (scheme: FrostScheme): FrostSuite => suites[scheme];

/** The key as users know it: as the point is encoded, but for Schnorr its X alone (BIP-340). */
export const publicKeyOf = (scheme: SchemeName, groupKey: Uint8Array): Uint8Array =>
  Uint8Array.from(scheme === 'Schnorr' ? groupKey.subarray(1) : groupKey);
