import type { KeyObject } from 'node:crypto';
import type { Clock } from '../../common/clock.ts';
import type { Log } from '../../common/log.ts';
import type { Peers } from '../peers/peers.ts';
import type { AnyScheme, KeyShare, SchemeName } from '../scheme/scheme.ts';
import type { Store } from '../state/store.ts';
import type { Meter } from './meter.ts';

/**
 * Everything a ceremony may touch outside itself. Production gives real ones (signer/main.ts), tests and
 * simulations give their own: given the same environment a ceremony takes the same steps.
 */
export type Environment = {
  readonly wallet: string;
  readonly holder: string;
  readonly version: string;
  readonly clock: Clock;
  /** Unpredictable bytes. */
  readonly random: (length: number) => Uint8Array;
  readonly store: Store;
  readonly peers: Peers;
  /** Throws an Unsupported {@link Refused} with the reason where this process has no engine for it. */
  readonly scheme: (name: SchemeName) => AnyScheme;
  readonly identity: Identity;
  readonly heads: HeadSigner;
  readonly shares: ShareKeeper;
  /** What keeps the seal from opening anything now, as a word and in words. Absent where that is never known. */
  readonly sealProblem?: () => { readonly state: string; readonly message: string } | undefined;
  readonly meter: Meter;
  readonly log: Log;
};

export type Identity = {
  /** Ed25519. */
  readonly privateKey: KeyObject;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  /** 32 bytes that genesis must name. */
  readonly nonce: Uint8Array;
};

/**
 * Signs heads of the audit log with the holder's audit key: its identity's or one in an HSM. Over the bytes as they are:
 * Ed25519, or ECDSA P-256 over their SHA-256 as r and s of 32 bytes each.
 */
export interface HeadSigner {
  /** SubjectPublicKeyInfo, DER: the auditKey of genesis. */
  readonly publicKey: Uint8Array;
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}

/** The seal opens and closes nothing now, and will again once somebody mends it. */
export class SealUnavailable extends Error {
  override readonly name = 'SealUnavailable';
}

/** Which share is sealed: associated data, so that one never opens in another's place. */
export type ShareLabel = {
  readonly genesis: string;
  readonly holder: string;
  readonly key: string;
  /** How the share is read; the attempt already binds it. */
  readonly scheme: SchemeName;
  readonly attempt: number;
  readonly epoch: number;
};

/** Closes and opens shares with the holder's seal; both reject with {@link SealUnavailable} while that does not serve. */
export interface ShareKeeper {
  seal(share: KeyShare, label: ShareLabel): Promise<Uint8Array>;
  open(sealed: Uint8Array, label: ShareLabel): Promise<KeyShare>;
}
