/**
 * What the addon gives to JavaScript: threshold arithmetic in Rust (src/), FROST by the Zcash Foundation's crates,
 * ECDSA by dkls23-core (dkls.d.ts).
 *
 * Calls answer with a value or with a {@link Fault}, and never throw for bytes that they are given. Arguments are copied
 * before a call returns; whoever handed over a secret, or got one, erases it. Points, scalars, shares and proofs are the raw
 * encodings of RFC 9591 6. Lists of them are records, ascending by identifier: one byte of identifier, then
 * what belongs to it, all of one length.
 */

export * from './dkls.d.ts';

/** The version of the addon: that of the program it was built with. */
export function version(): string;

/**
 * Why a call gave nothing.
 * - `Culprit`: a cryptographic check failed on messages of `parties`, and of nobody else.
 * - `Suspects`: one of `parties` made the step fail, and nobody can prove which.
 * - `BadCommitment`: commitments of `parties` are no valid points.
 * - `Ban`: the protocol must never be run with this party again for this key: going on tells it of the share.
 * - `Refused`: input that no honest caller gives, or a step out of order.
 * - `Panic`: a fault of the library; the session it happened in is over.
 */
export type Fault = {
  readonly fault: 'Culprit' | 'Suspects' | 'BadCommitment' | 'Ban' | 'Refused' | 'Panic';
  readonly parties: readonly number[];
  readonly message: string;
};

export type Outcome<T> = T | Fault;

/** What a run of key generation ends in. */
export type FrostGenerated = {
  /** Secret; 32 bytes. */
  readonly share: Uint8Array;
  readonly groupKey: Uint8Array;
  /** One point after the other, by identifier. */
  readonly verificationShares: Uint8Array;
  /** The key before the taproot tweak, x-only; empty for EdDSA. */
  readonly internalKey: Uint8Array;
};

/** One run of distributed key generation at one party. Steps in order, each once, also where it fails. */
export class FrostKeygen {
  private constructor();
  static begin(scheme: string, me: number, threshold: number, parties: number): Outcome<FrostKeygen>;
  /** The broadcast: `threshold` points, then the proof of knowledge (64 bytes). */
  round1(): Promise<Outcome<Uint8Array>>;
  /** From records of every other party's broadcast to records of the secret share (32 bytes) for each. */
  round2(others: Uint8Array): Promise<Outcome<Uint8Array>>;
  /** From records of every other party's secret share for this one. */
  round3(shares: Uint8Array): Promise<Outcome<FrostGenerated>>;
  /** Erases what the run knows; a step under way comes to nothing. */
  close(): void;
}

/** Nonces that were made: numbered from `first`, hiding and binding commitment of one after the other. */
export type FrostCommits = { readonly first: number; readonly commitments: Uint8Array };

/**
 * An opened share with its nonces. `commitments` of a call are records of hiding and binding commitment. What is under
 * way when it is closed may still end; nothing begins after.
 */
export class FrostKey {
  private constructor();
  /** `verificationShares`: one point after the other, by identifier. Refuses a share that does not match its own. */
  static open(
    scheme: string,
    me: number,
    threshold: number,
    parties: number,
    share: Uint8Array,
    groupKey: Uint8Array,
    verificationShares: Uint8Array,
  ): Promise<Outcome<FrostKey>>;
  /** Up to 4096 nonces may be unused. */
  commit(count: number): Promise<Outcome<FrostCommits>>;
  /** A signature share (32 bytes), on the calling thread. The nonce is used up whatever comes of it. */
  sign(nonce: number, commitments: Uint8Array, message: Uint8Array): Outcome<Uint8Array>;
  /** {@link FrostKey.sign} on the thread pool. */
  signLater(nonce: number, commitments: Uint8Array, message: Uint8Array): Promise<Outcome<Uint8Array>>;
  discard(nonces: readonly number[]): void;
  /** A signature (64 bytes) that verifies under the group key, from records of signature shares; on the calling thread. */
  aggregate(commitments: Uint8Array, shares: Uint8Array, message: Uint8Array): Outcome<Uint8Array>;
  /** {@link FrostKey.aggregate} on the thread pool. */
  aggregateLater(commitments: Uint8Array, shares: Uint8Array, message: Uint8Array): Promise<Outcome<Uint8Array>>;
  close(): void;
}
