import type { Outcome } from './index.d.ts';

/**
 * Threshold ECDSA over secp256k1 by DKLs23, in native code. Identifiers are 1..n; points are compressed (33 bytes). What
 * comes from JavaScript is copied before a call returns, and all arithmetic is done on the thread pool.
 */

/** Bytes for the party, or from it. */
export type DklsMessage = { readonly party: number; readonly bytes: Uint8Array };

/** What another party said in a round of key generation. */
export type DklsHeard = { readonly party: number; readonly broadcast: Uint8Array; readonly secret: Uint8Array };

/** The same to all, and to each other party its own; the latter are secret. */
export type DklsSaid = { readonly broadcast: Uint8Array; readonly secrets: DklsMessage[] };

export type DklsMadeKey = {
  /** Secret: a version byte and the library's state, about 52 kB for each other party. */
  readonly share: Uint8Array;
  readonly groupKey: Uint8Array;
  /** By identifier - 1. */
  readonly verificationShares: Uint8Array[];
  /** 32 bytes, as BIP-32 has it. */
  readonly chainCode: Uint8Array;
};

/**
 * One run of key generation at one party: `round` three times, at first with nothing and then with what all others said in the
 * round before, and `finish` with what they said in the last. Any fault ends the run.
 */
export interface DklsKeygen {
  round(heard: readonly DklsHeard[]): Promise<Outcome<DklsSaid>>;
  finish(heard: readonly DklsHeard[]): Promise<Outcome<DklsMadeKey>>;
  /** Erases what the run knows, at the end of a step that is being done. */
  close(): void;
}

export type DklsKeyShare = {
  readonly identifier: number;
  readonly threshold: number;
  readonly parties: number;
  readonly share: Uint8Array;
  readonly groupKey: Uint8Array;
  /** Of `identifier`. */
  readonly verificationShare: Uint8Array;
};

/** What is signed: exactly as many identifiers as the threshold, 32 bytes, and a path as `m/0/7` or none. */
export type DklsOrder = { readonly quorum: readonly number[]; readonly hash: Uint8Array; readonly path?: string };

/** An opened share. A party that a fault `Ban` named is refused from then on. */
export interface DklsKey {
  /** `session`: 32 to 64 bytes that no other signing with this key has, the same at all members of the quorum. */
  sign(session: Uint8Array, order: DklsOrder): Outcome<DklsSigning>;
  /**
   * From the shares of the whole quorum, at any holder: r and s (not above half the order) and the recovery id, 65 bytes,
   * verified under the key at the path.
   */
  aggregate(order: DklsOrder, shares: readonly DklsMessage[]): Promise<Outcome<Uint8Array>>;
  /** The public key and chain code at `path`. */
  child(path: string): Promise<Outcome<{ readonly publicKey: Uint8Array; readonly chainCode: Uint8Array }>>;
  /** The share is erased once the steps that are being done are. */
  close(): void;
}

/** One signature at one member: its steps in order, each once. Any fault ends the session. */
export interface DklsSigning {
  /** The first message for each other member. */
  start(): Promise<Outcome<DklsMessage[]>>;
  /** The second, from the first of all others. */
  answer(received: readonly DklsMessage[]): Promise<Outcome<DklsMessage[]>>;
  /** The signature share of 96 bytes (x, u, w), from the second of all others. */
  share(received: readonly DklsMessage[]): Promise<Outcome<Uint8Array>>;
  close(): void;
}

/** `session`: 32 to 64 bytes that no other run has, the same at all parties. */
export function dklsKeygen(
  identifier: number,
  threshold: number,
  parties: number,
  session: Uint8Array,
): Outcome<DklsKeygen>;

/** Refuses a share that is not the one named, or does not belong to its verification share. */
export function dklsOpen(key: DklsKeyShare): Promise<Outcome<DklsKey>>;
