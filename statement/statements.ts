import { digest, quote } from '../common/bytes.ts';
import { canonicalize, parseCanonical } from './canonical.ts';
import { decimalForm, digestForm, hexOf, listOf, matching, nameForm, oneOf, orEmpty, recordOf, timeForm } from './forms.ts';
import type { Form, Forms } from './forms.ts';

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

export type Scheme = 'EdDSA' | 'Schnorr' | 'ECDSA';
export type Statement =
  | RequestStatement
  | ApprovalStatement
  | PolicyStatement
  | GenesisStatement
  | CertificateStatement
  | AbandonedStatement;
export type StatementType = Statement['type'];
export type StatementOf<T extends StatementType> = Extract<Statement, { readonly type: T }>;

export const maxDataBytes = 256 * 1024;

const scheme = oneOf<Scheme>('EdDSA', 'Schnorr', 'ECDSA');
const counted = matching(/^[1-9][0-9]{0,14}$/, 'a whole number from 1 as a decimal string');

const pathForm: Form<string> = (value, at) => {
  const path = matching(/^m(?:\/(?:0|[1-9][0-9]{0,9})){1,10}$/, 'a path of non-hardened children like "m/0/5"')(value, at);
  // BIP-32: indices from 2^31 are hardened, which no public derivation reaches.
  if (path.slice(2).split('/').some((index) => Number(index) >= 2 ** 31)) throw new Error(`${at}: want indices below 2147483648, got ${quote(path)}`);
  return path;
};

const dataForm: Form<string> = (value, at) => {
  if (typeof value === 'string' && value.length > 2 + 2 * maxDataBytes)
    throw new Error(`${at}: want at most ${maxDataBytes} bytes, got ${Math.ceil((value.length - 2) / 2)}`);
  return matching(/^0x(?:[0-9a-f]{2})*$/, '0x and lowercase hex')(value, at);
};

const requestForms: Forms<RequestStatement> = {
  type: oneOf('holdfast/request/v1'),
  genesis: digestForm,
  id: matching(/^[!-~]{1,253}$/, '1 to 253 printable ASCII characters without spaces'),
  key: nameForm,
  path: orEmpty(pathForm),
  chain: orEmpty(matching(/^[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}$/, 'a CAIP-2 chain like "eip155:1"')),
  format: oneOf('Transaction', 'PSBT', 'Message', 'TypedData', 'Digest'),
  data: dataForm,
  initiator: nameForm,
  expiresAt: timeForm,
};

const approvalForms: Forms<ApprovalStatement> = {
  type: oneOf('holdfast/approval/v1'),
  genesis: digestForm,
  target: digestForm,
  policy: digestForm,
  approver: nameForm,
  verdict: oneOf('Approve', 'Reject'),
  expiresAt: timeForm,
};

const policyForms: Forms<PolicyStatement> = {
  type: oneOf('holdfast/policy/v1'),
  genesis: digestForm,
  height: decimalForm,
  parent: orEmpty(digestForm),
  policy: digestForm,
};

// SubjectPublicKeyInfo has one DER form per key: RFC 8410 4 (Ed25519), RFC 5480 2 (P-256, uncompressed point).
const ed25519Spki = '302a300506032b6570032100[0-9a-f]{64}';
const p256Spki = '3059301306072a8648ce3d020106082a8648ce3d03010703420004[0-9a-f]{128}';

const holderForms: Forms<GenesisHolder> = {
  name: nameForm,
  role: oneOf('Infrastructure', 'Client', 'Backup'),
  identifier: counted,
  identity: matching(new RegExp(`^${ed25519Spki}$`), 'an Ed25519 SubjectPublicKeyInfo in hex'),
  auditKey: matching(new RegExp(`^(?:${ed25519Spki}|${p256Spki})$`), 'an Ed25519 or P-256 SubjectPublicKeyInfo in hex'),
  nonce: hexOf(32),
};

const genesisForms: Forms<GenesisStatement> = {
  type: oneOf('holdfast/genesis/v1'),
  wallet: matching(
    /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\/[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/,
    'a wallet as namespace/name',
  ),
  threshold: counted,
  holders: listOf(recordOf(holderForms), 2, 9),
  policy: digestForm,
};

const certificateForms: Forms<CertificateStatement> = {
  type: oneOf('holdfast/certificate/v1'),
  genesis: digestForm,
  key: nameForm,
  scheme,
  attempt: counted,
  epoch: decimalForm,
  publicKey: hexOf(32, 33),
  internalKey: orEmpty(hexOf(32)),
  verificationShares: listOf(hexOf(32, 33), 2, 9),
  chainCode: orEmpty(hexOf(32)),
  transcript: digestForm,
};

const abandonedForms: Forms<AbandonedStatement> = {
  type: oneOf('holdfast/abandoned/v1'),
  genesis: digestForm,
  key: nameForm,
  scheme,
  attempt: counted,
};

function policyForm(value: Parameters<Form<unknown>>[0], at: string): PolicyStatement {
  const policy = recordOf(policyForms)(value, at);
  if ((policy.height === '0') !== (policy.parent === ''))
    throw new Error(`${at}.parent: want "" at height 0 and a digest above, got ${quote(policy.parent)} at ${policy.height}`);
  return policy;
}

function genesisForm(value: Parameters<Form<unknown>>[0], at: string): GenesisStatement {
  const genesis = recordOf(genesisForms)(value, at);
  const { holders } = genesis;
  const t = Number(genesis.threshold);
  const signing = holders.filter((holder) => holder.role !== 'Backup').length;
  const infrastructure = holders.filter((holder) => holder.role === 'Infrastructure').length;
  holders.forEach((holder, i) => {
    if (holder.identifier !== String(i + 1))
      throw new Error(`${at}.holders[${i}].identifier: want "${i + 1}", got ${quote(holder.identifier)}`);
  });
  // One signer under two names would count twice towards the threshold.
  for (const member of ['name', 'identity', 'auditKey', 'nonce'] as const) {
    const repeated = holders.findIndex((holder, i) => holders.findIndex((other) => other[member] === holder[member]) < i);
    if (repeated !== -1) throw new Error(`${at}.holders[${repeated}].${member}: another holder has the same`);
  }
  if (infrastructure === 0) throw new Error(`${at}.holders: want at least one Infrastructure holder`);
  if (t < 2 || t > signing)
    throw new Error(`${at}.threshold: want 2 to ${signing}, the number of holders that are not Backup, got ${t}`);
  // With several coordinators every two quorums share a holder, so that one ledger sees both.
  if (infrastructure > 1 && 2 * t <= signing)
    throw new Error(`${at}.threshold: want over half of the ${signing} holders that are not Backup, got ${t}`);
  return genesis;
}

const byteLengths: Readonly<Record<Scheme, { readonly key: number; readonly point: number }>> = {
  EdDSA: { key: 32, point: 32 },
  Schnorr: { key: 32, point: 33 },
  ECDSA: { key: 33, point: 33 },
};

function certificateForm(value: Parameters<Form<unknown>>[0], at: string): CertificateStatement {
  const certificate = recordOf(certificateForms)(value, at);
  const { key, point } = byteLengths[certificate.scheme];
  hexOf(key)(certificate.publicKey, `${at}.publicKey`);
  certificate.verificationShares.forEach((share, i) => hexOf(point)(share, `${at}.verificationShares[${i}]`));
  for (const [member, of] of [['internalKey', 'Schnorr'], ['chainCode', 'ECDSA']] as const)
    if ((certificate[member] !== '') !== (certificate.scheme === of))
      throw new Error(`${at}.${member}: want ${certificate.scheme === of ? '32 bytes in hex' : '""'} for ${certificate.scheme}, got ${quote(certificate[member])}`);
  return certificate;
}

const statementForms: { readonly [T in StatementType]: Form<StatementOf<T>> } = {
  'holdfast/request/v1': recordOf(requestForms),
  'holdfast/approval/v1': recordOf(approvalForms),
  'holdfast/policy/v1': policyForm,
  'holdfast/genesis/v1': genesisForm,
  'holdfast/certificate/v1': certificateForm,
  'holdfast/abandoned/v1': recordOf(abandonedForms),
};

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
