import type { AuditRecord, Head } from '../../statement/audit.ts';
import type { SignedHead } from '../../statement/head-signature.ts';

/*
 * What a signer has on disk, behind one interface: SQLite in production, simulated in tests.
 * A {@link Change} is all or nothing and durable when `write` resolves; concurrent changes share a transaction,
 * and one that fails (a nonce already used) fails alone. Seconds are Unix seconds, digests `sha256:...`.
 */
export type { AuditRecord, Head, SignedHead };

/** An audit record before it is chained: strings only. `type` says what happened. */
export type AuditEntry = { readonly type: AuditType; readonly [member: string]: string };
export type AuditType =
  | 'GenesisAccepted'
  | 'KeyPrepared'
  | 'KeyActivated'
  | 'KeyAbandoned'
  | 'Reserved' // judged and allowed here; the spend is on the ledger
  | 'Released' // this holder's share left
  | 'ReservationDropped' // the session died before this holder released anything
  | 'Signed'
  | 'Denied'
  | 'Failed'
  | 'SpendLearned' // another holder released a share
  | 'CulpritFound'
  | 'CounterpartyBanned' // never again with that holder under that key: what both keep of it could leak the share
  | 'AuditPruned'; // bodies of one segment of this log are gone; numbers and hashes are not

/** A request whose initiator's signature verified: its id is bound to this digest. Kept without bytes where it was refused. */
export type RequestRow = {
  readonly digest: string;
  readonly initiator: string;
  readonly id: string;
  readonly key: string;
  readonly statement: Uint8Array;
  readonly signature: string;
  readonly expiresAt: number;
  readonly firstSeen: number;
  /**
   * Reserved: on the ledger, nothing released. Released: a spend for good. The rest are outcomes. Released may only
   * become Signed, and Signed stays: a write of another state leaves the row as it is.
   */
  readonly state: 'Reserved' | 'Released' | 'Signed' | 'Denied' | 'Failed';
  readonly reason: string;
  readonly message: string;
  readonly rule: string;
  readonly policyDigest: string;
  readonly participants: readonly string[];
  /** 64 bytes an input when Signed, 65 of an ECDSA key. */
  readonly signatures: readonly Uint8Array[];
};

/**
 * A request's effects on the ledger. Dropped reservations are deleted; spends stay for 31 days. What is there keeps
 * its effects, its time only grows, and Reserved may become Spent but never the other way.
 */
export type LedgerRow = {
  readonly digest: string;
  readonly at: number;
  /** Canonical JSON of the effects (policy/effects-json.ts). */
  readonly effects: string;
  readonly state: 'Reserved' | 'Spent';
};

/** An Active key is so for good, `attempt` and `abandoned` only grow, and no abandoned attempt becomes Active: else the change fails. */
export type KeyRow = {
  readonly name: string;
  readonly scheme: 'EdDSA' | 'Schnorr' | 'ECDSA';
  readonly state: 'Wanted' | 'Prepared' | 'Active';
  /** The attempt prepared or active; else the last begun. */
  readonly attempt: number;
  /** The highest attempt this holder signed off as abandoned; 0 for none. */
  readonly abandoned: number;
  /** Sealed KeyShare; empty while Wanted. */
  readonly sealed: Uint8Array;
  /** Certificate statement; empty while Wanted. */
  readonly certificate: Uint8Array;
  /** Holders' signatures of the certificate by holder name, as JSON; all n when Active. */
  readonly signatures: string;
};

/** A share this holder released, in its own numbering, for delivery to every peer. */
export type SpendRow = { readonly sequence: bigint; readonly digest: string; readonly at: number };

/** Heads, spends and strikes only grow and a fence stays: what is older or lower in a write is left as it is. */
export type PeerRow = {
  readonly name: string;
  /** The peer's last durable head it told us. */
  readonly head: Head;
  /** The newest that it signed; undefined before there is one. */
  readonly signed: SignedHead | undefined;
  /** The peer's last spend that is on our ledger. */
  readonly spends: bigint;
  /** Why it is left out for good; "" while trusted. */
  readonly fenced: string;
  /** Failures that it or another caused, nobody can say who. */
  readonly strikes: number;
};

/** Never again with that peer under that key; for good. */
export type BanRow = { readonly key: string; readonly peer: string; readonly why: string };

export type NonceRow = { readonly key: string; readonly boot: string; readonly index: bigint };

export type Change = {
  /** Small values by name: genesis, policy, identity, endpoints. */
  readonly meta?: Readonly<Record<string, Uint8Array>>;
  readonly keys?: readonly KeyRow[];
  readonly requests?: readonly RequestRow[];
  readonly ledger?: readonly LedgerRow[];
  /** Digests whose ledger row goes; only ever one that is Reserved. */
  readonly unreserve?: readonly string[];
  /** Consumed nonces: each may appear once in this signer's life, else the change fails. */
  readonly nonces?: readonly NonceRow[];
  /** Requests whose share leaves once this is on disk. A second release of one digest adds nothing. */
  readonly releases?: readonly { readonly digest: string; readonly at: number }[];
  readonly peers?: readonly PeerRow[];
  readonly bans?: readonly BanRow[];
  readonly audit?: readonly AuditEntry[];
  /**
   * The last record of the oldest segment that still has bodies, by number and hash: they go, all at once. With any
   * other record the change fails.
   */
  readonly pruneAudit?: Head;
  /** The clock as of this change; a signer's time never runs back. Seconds. */
  readonly now: number;
};

export type Snapshot = {
  readonly meta: ReadonlyMap<string, Uint8Array>;
  readonly keys: readonly KeyRow[];
  /** Requests that are Reserved: this holder coordinated them when the signer stopped. */
  readonly unfinished: readonly RequestRow[];
  /** What they and any others hold on the ledger. */
  readonly reserved: readonly LedgerRow[];
  readonly peers: readonly PeerRow[];
  readonly bans: readonly BanRow[];
  /** The latest `now` ever written. */
  readonly lastTime: number;
};

export interface Store {
  /** Everything small, read at start. */
  load(): Snapshot;
  /** The whole ledger by time, row by row: it may be too large to hold. To be read at once: no write meanwhile. */
  ledgerRows(): Iterable<LedgerRow>;
  /** Resolves when `change` is on disk; rejects when it is not and never will be. */
  write(change: Change): Promise<void>;
  /** The durable audit head: never one not yet on disk. */
  readonly head: Head;
  /**
   * Why nothing but spends and bans is written now (a full disk), or ""; other writes reject as `StorageFull`. Goes by
   * itself.
   */
  readonly problem: string;
  request(digest: string): RequestRow | undefined;
  requestById(initiator: string, id: string): RequestRow | undefined;
  ledger(digest: string): LedgerRow | undefined;
  /** Released shares after `sequence`, in order, at most `limit`. */
  releasesAfter(sequence: bigint, limit: number): readonly SpendRow[];
  /** Audit records after `sequence`, in order, at most `limit`; those that were pruned without their bodies. */
  auditAfter(sequence: bigint, limit: number): readonly AuditRecord[];
  close(): Promise<void>;
}
