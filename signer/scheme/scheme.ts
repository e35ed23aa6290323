/**
 * A threshold scheme behind one interface, so that engines can change and arithmetic can run off the event loop.
 * All points, scalars and shares are the raw encodings of RFC 9591 6; identifiers are 1..n.
 */
export type FrostScheme = 'EdDSA' | 'Schnorr';
export type SchemeName = FrostScheme | 'ECDSA';

/** Of an encoded point. */
export const POINT_BYTES: Readonly<Record<FrostScheme, number>> = { EdDSA: 32, Schnorr: 33 };

/** Lengths of what a peer gives: a signature share, and the parts of a commitment. ECDSA's is random bytes. */
export const SHARE_BYTES: Readonly<Record<SchemeName, number>> = { EdDSA: 32, Schnorr: 32, ECDSA: 96 };
export const COMMITMENT_BYTES: Readonly<Record<SchemeName, readonly [hiding: number, binding: number]>> = {
  EdDSA: [32, 32],
  Schnorr: [33, 33],
  ECDSA: [32, 0],
};

/** What a holder keeps of a key. `share` is secret: sealed on disk, open only inside an engine. */
export type KeyShare = {
  readonly identifier: number;
  readonly threshold: number;
  readonly share: Uint8Array;
  /** The verifying key as a point: 32 bytes Ed25519, 33 bytes secp256k1 (Y may be odd; BIP-340 uses X alone). */
  readonly groupKey: Uint8Array;
  /** By identifier - 1. */
  readonly verificationShares: readonly Uint8Array[];
};

export type Round1 = { readonly commitment: readonly Uint8Array[]; readonly proof: Uint8Array };

export type KeygenResult = {
  readonly key: KeyShare;
  /** The key before the taproot tweak (x-only, 32 bytes); empty for other schemes. */
  readonly internalKey: Uint8Array;
  /** Of BIP-32, 32 bytes: what children of the key are derived with. ECDSA only. */
  readonly chainCode?: Uint8Array;
};

/** One run of distributed key generation at one party. Steps in order, each once; `close` erases secrets. */
export interface KeygenRun {
  round1(): Promise<Round1>;
  /** Others' broadcasts by identifier; gives the secret share for each. Throws {@link Culprit}. */
  round2(others: ReadonlyMap<number, Round1>): Promise<ReadonlyMap<number, Uint8Array>>;
  /** Others' shares for me by identifier. Throws {@link Culprit}. */
  round3(shares: ReadonlyMap<number, Uint8Array>): Promise<KeygenResult>;
  close(): void;
}

export type NonceCommitment = { readonly hiding: Uint8Array; readonly binding: Uint8Array };

/** Whether a peer's commitment has the lengths of `scheme`'s; what is in it the engine checks. */
export function isCommitment(scheme: SchemeName, { hiding, binding }: NonceCommitment): boolean {
  const [first, second] = COMMITMENT_BYTES[scheme];
  return hiding.length === first && binding.length === second;
}

/** A nonce made by `commit`: the secret pair stays in the engine under `nonce`, usable once. */
export type FreshCommitment = NonceCommitment & { readonly nonce: number };

/** One message to sign with the commitments of its whole quorum, by identifier. */
export type SigningInput = {
  /** For ECDSA the 32-byte hash that this holder computed. */
  readonly message: Uint8Array;
  readonly commitments: ReadonlyMap<number, NonceCommitment>;
  /** Non-hardened BIP-32 path below the key, as `m/0/7`; absent for the key itself. ECDSA only. */
  readonly path?: string;
};

/** What a quorum says to one another while it makes one signature: ECDSA needs it, FROST does not. */
export interface Exchange {
  /** 32 bytes that no other signing of this key has, the same at each member of the quorum. */
  readonly session: Uint8Array;
  /** Gives each other member its message of `step`, over their own link. */
  send(step: number, messages: ReadonlyMap<number, Uint8Array>): void;
  /** The message of `step` of each other member of the quorum. Rejects once one will not come. */
  receive(step: number): Promise<ReadonlyMap<number, Uint8Array>>;
}

/** An opened share. A nonce is burnt by `sign` whatever comes of it, and by `discard`. */
export interface SigningKey {
  commit(count: number): Promise<readonly FreshCommitment[]>;
  /**
   * One signature share of {@link SHARE_BYTES} bytes. Throws on an unknown or used nonce, {@link BadCommitment}, and of what
   * others sent in the exchange {@link Culprit}, {@link Banned} and {@link Suspects}.
   */
  sign(nonce: number, input: SigningInput, exchange?: Exchange): Promise<Uint8Array>;
  discard(nonces: readonly number[]): void;
  /**
   * 64 bytes, for ECDSA 65 (r, s not above half the order, recovery id); verified under the group key by the engine. Throws {@link Culprit} where shares are
   * wrong, {@link BadCommitment}, and {@link Suspects} where nobody can say whose share is.
   */
  aggregate(input: SigningInput, shares: ReadonlyMap<number, Uint8Array>): Promise<Uint8Array>;
  close(): void;
}

/** What one party says in a round of key generation: the same to all, and to each other party its own. Either may be empty. */
export type Said = { readonly broadcast: Uint8Array; readonly secrets: ReadonlyMap<number, Uint8Array> };

/** What the others said in a round, by identifier. */
export type Heard = ReadonlyMap<number, { readonly broadcast: Uint8Array; readonly secret: Uint8Array }>;

/**
 * One run of key generation in rounds at one party; `close` erases secrets. Whoever runs it must compare all broadcasts
 * with the others before the key is used: the run cannot see that one party told others something else.
 */
export interface RoundsKeygenRun {
  /** How many times `round` is called. */
  readonly rounds: number;
  /** The next round, from what all others said in the one before; nothing before the first. Throws as `finish`. */
  round(heard: Heard): Promise<Said>;
  /** From what all others said in the last round. Throws {@link Culprit}, and {@link Suspects} where nobody can say who lied. */
  finish(heard: Heard): Promise<KeygenResult>;
  close(): void;
}

/** Whose arithmetic it is: @noble/curves in JavaScript, or the Zcash Foundation's FROST in the addon. */
export type Engine = 'noble' | 'frost';

export interface Scheme {
  readonly name: FrostScheme;
  readonly engine: Engine;
  keygen(identifier: number, threshold: number, parties: number): KeygenRun;
  /** Opens a share; refuses one that does not match its verification share. */
  open(key: KeyShare): Promise<SigningKey>;
  /** Single-party verification by other code than the engine's. `publicKey` as users know it (32 bytes). */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

/** ECDSA: its keys are made in rounds, its shares in an exchange. */
export interface EcdsaScheme {
  readonly name: 'ECDSA';
  readonly engine: 'dkls23';
  /** `session`: 32 bytes that no other key generation has, the same at all parties. */
  keygen(identifier: number, threshold: number, parties: number, session: Uint8Array): RoundsKeygenRun;
  /** Opens a share; refuses one that does not match its verification share. */
  open(key: KeyShare): Promise<SigningKey>;
  /** By other code than the engine's. `publicKey` 33 bytes compressed, `message` the 32-byte hash, `signature` 65 bytes. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

export type AnyScheme = Scheme | EcdsaScheme;

/** All schemes of a process. */
export type Schemes = {
  /** Of FROST. */
  readonly engine: Engine;
  get(name: FrostScheme): Scheme;
  /** Throws an Unsupported {@link Refused} with the reason where this process has no engine for it. */
  ecdsa(): EcdsaScheme;
  close(): Promise<void>;
};

/**
 * Commitments of these identifiers are no valid points. Whoever handed them over is to blame: the identifiers
 * themselves only where their commitments came from them directly, else whoever passed them on.
 */
export class BadCommitment extends Error {
  override readonly name = 'BadCommitment';
  readonly identifiers: readonly number[];
  constructor(identifiers: readonly number[]) {
    super(`commitments of identifiers ${identifiers.join(', ')} are no valid points`);
    this.identifiers = identifiers;
  }
}

/**
 * What the engine keeps with that party for this key must never be used with it again: going on with one that cheats
 * gives it the share. It has to be on disk before anything else is done.
 */
export class Banned extends Error {
  override readonly name = 'Banned';
  readonly identifier: number;
  constructor(identifier: number, message: string) {
    super(message);
    this.identifier = identifier;
  }
}

/** Something failed that one of these identifiers caused, and no one can prove which. */
export class Suspects extends Error {
  override readonly name = 'Suspects';
  readonly identifiers: readonly number[];
  constructor(identifiers: readonly number[], message: string) {
    super(message);
    this.identifiers = identifiers;
  }
}

/** A cryptographic check failed on messages of these identifiers. */
export class Culprit extends Error {
  override readonly name = 'Culprit';
  readonly identifiers: readonly number[];
  constructor(identifiers: readonly number[], message: string) {
    super(message);
    this.identifiers = identifiers;
  }
}
