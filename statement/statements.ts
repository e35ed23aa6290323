import { digest } from '../common/bytes.ts';
import { canonicalize, parseCanonical } from './canonical.ts';
import { statementForms } from './statement-forms.ts';

/** An initiator asks a key to sign `data`. */
export type RequestStatement = {
  readonly type: 'holdfast/request/v1';
  readonly genesis: string;
  /** With the initiator it makes two requests the same one. */
  readonly id: string;
  readonly key: string;
  /** BIP-32 path of non-hardened children, like `m/0/5`; "" for the key itself. */
  readonly path: string;
  /** CAIP-2; "" where the format is bound to no chain. */
  readonly chain: string;
  readonly format: 'Transaction' | 'PSBT' | 'Message' | 'TypedData' | 'Digest';
  /** `0x` and lowercase hex. */
  readonly data: string;
  readonly initiator: string;
  readonly expiresAt: string;
};

/** An approver's word on one statement: a request, policy change, genesis confirmation or recovery. */
export type ApprovalStatement = {
  readonly type: 'holdfast/approval/v1';
  readonly genesis: string;
  /** Digest of the statement approved. */
  readonly target: string;
  /** Digest of the policy statement under which it counts. */
  readonly policy: string;
  readonly approver: string;
  readonly verdict: 'Approve' | 'Reject';
  readonly expiresAt: string;
};

/** A link in a wallet's policy chain; the first is made from genesis. */
export type PolicyStatement = {
  readonly type: 'holdfast/policy/v1';
  readonly genesis: string;
  readonly height: string;
  /** Digest of the statement before; "" at height 0. */
  readonly parent: string;
  /** Digest of the policy document. */
  readonly policy: string;
};

export type GenesisHolder = {
  readonly name: string;
  readonly role: 'Infrastructure' | 'Client' | 'Backup';
  /** 1..n in order. */
  readonly identifier: string;
  /** Ed25519 SubjectPublicKeyInfo in hex. */
  readonly identity: string;
  /** SubjectPublicKeyInfo in hex: the identity's, or P-256 where an HSM keeps it. */
  readonly auditKey: string;
  /** 32 bytes that this holder's signer made. */
  readonly nonce: string;
};

/** Who a wallet is: its digest is the wallet's id. */
export type GenesisStatement = {
  readonly type: 'holdfast/genesis/v1';
  /** `namespace/name`. */
  readonly wallet: string;
  readonly threshold: string;
  readonly holders: readonly GenesisHolder[];
  /** Digest of the first policy document. */
  readonly policy: string;
};

/** What all holders sign about a key; addresses are computed from nothing else. */
export type CertificateStatement = {
  readonly type: 'holdfast/certificate/v1';
  readonly genesis: string;
  readonly key: string;
  readonly scheme: Scheme;
  readonly attempt: string;
  readonly epoch: string;
  /** As verifiers take it: 32 bytes (Ed25519; x-only taproot output key) or 33 (ECDSA). */
  readonly publicKey: string;
  /** Schnorr: the x-only key before the taproot tweak; else "". */
  readonly internalKey: string;
  /** Points by identifier - 1, as RFC 9591 encodes them. */
  readonly verificationShares: readonly string[];
  /** ECDSA: the BIP-32 chain code; else "". */
  readonly chainCode: string;
  /** Digest of the ceremony's broadcasts. */
  readonly transcript: string;
};

/** A holder will never activate this keygen attempt: signed by all, a later one may begin. */
export type AbandonedStatement = {
  readonly type: 'holdfast/abandoned/v1';
  readonly genesis: string;
  readonly key: string;
  readonly scheme: Scheme;
  readonly attempt: string;
};

/** The last record of a holder's audit log at some moment, on disk when it was signed. */
export type HeadStatement = {
  readonly type: 'holdfast/head/v1';
  readonly genesis: string;
  readonly holder: string;
  /** Of the record; 1 is the first. */
  readonly sequence: string;
  /** SHA-256 of the record, as the next one names it. */
  readonly hash: string;
};

export type Scheme = 'EdDSA' | 'Schnorr' | 'ECDSA';
export type Statement =
  | RequestStatement
  | ApprovalStatement
  | PolicyStatement
  | GenesisStatement
  | CertificateStatement
  | AbandonedStatement
  | HeadStatement;
export type StatementType = Statement['type'];
export type StatementOf<T extends StatementType> = Extract<Statement, { readonly type: T }>;

const nameOf = (type: StatementType): string => type.split('/')[1] ?? type;

/** The bytes that are signed; throws where `parseStatement` would refuse them. */
export function encodeStatement(statement: Statement): Uint8Array {
  const bytes = canonicalize(statement);
  parseStatement(statement.type, bytes);
  return bytes;
}

/** The statement of canonical bytes; throws an error that names the member on anything else. */
export function parseStatement<T extends StatementType>(type: T, bytes: Uint8Array): StatementOf<T> {
  return statementForms[type](parseCanonical(bytes), nameOf(type));
}

/** How a statement is named elsewhere: `sha256sum` of its bytes. */
export const statementDigest = (statement: Uint8Array): string => digest(statement);
