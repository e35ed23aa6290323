import { quote } from '../common/bytes.ts';
import {
  decimalForm,
  digestForm,
  hexOf,
  listOf,
  matching,
  nameForm,
  oneOf,
  orEmpty,
  recordOf,
  timeForm,
} from './forms.ts';
import type { Form, Forms } from './forms.ts';
import type {
  AbandonedStatement,
  ApprovalStatement,
  CertificateStatement,
  GenesisHolder,
  GenesisStatement,
  HeadStatement,
  PolicyStatement,
  RequestStatement,
  Scheme,
  StatementOf,
  StatementType,
} from './statements.ts';

/** Longest payload of a request. */
export const maxDataBytes = 256 * 1024;

const scheme = oneOf<Scheme>('EdDSA', 'Schnorr', 'ECDSA');
const counted = matching(/^[1-9][0-9]{0,14}$/, 'a whole number from 1 as a decimal string');

export const pathForm: Form<string> = (value, at) => {
  const path = matching(/^m(?:\/(?:0|[1-9][0-9]{0,9})){1,10}$/, 'a path of non-hardened children like "m/0/5"')(
    value,
    at,
  );
  // BIP-32: indices from 2^31 are hardened, which no public derivation reaches.
  if (
    path
      .slice(2)
      .split('/')
      .some((index) => Number(index) >= 2 ** 31)
  )
    throw new Error(`${at}: want indices below 2147483648, got ${quote(path)}`);
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

const headForms: Forms<HeadStatement> = {
  type: oneOf('holdfast/head/v1'),
  genesis: digestForm,
  holder: nameForm,
  sequence: matching(/^[1-9][0-9]{0,18}$/, 'a whole number from 1 as a decimal string'),
  hash: digestForm,
};

const policyForm: Form<PolicyStatement> = (value, at) => {
  const policy = recordOf(policyForms)(value, at);
  if ((policy.height === '0') !== (policy.parent === ''))
    throw new Error(
      `${at}.parent: want "" at height 0 and a digest above, got ${quote(policy.parent)} at ${policy.height}`,
    );
  return policy;
};

const genesisForm: Form<GenesisStatement> = (value, at) => {
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
    const repeated = holders.findIndex(
      (holder, i) => holders.findIndex((other) => other[member] === holder[member]) < i,
    );
    if (repeated !== -1) throw new Error(`${at}.holders[${repeated}].${member}: another holder has the same`);
  }
  if (infrastructure === 0) throw new Error(`${at}.holders: want at least one Infrastructure holder`);
  if (t < 2 || t > signing)
    throw new Error(`${at}.threshold: want 2 to ${signing}, the number of holders that are not Backup, got ${t}`);
  // With several coordinators every two quorums share a holder, so that one ledger sees both.
  if (infrastructure > 1 && 2 * t <= signing)
    throw new Error(`${at}.threshold: want over half of the ${signing} holders that are not Backup, got ${t}`);
  return genesis;
};

const byteLengths: Readonly<Record<Scheme, { readonly key: number; readonly point: number }>> = {
  EdDSA: { key: 32, point: 32 },
  Schnorr: { key: 32, point: 33 },
  ECDSA: { key: 33, point: 33 },
};

const certificateForm: Form<CertificateStatement> = (value, at) => {
  const certificate = recordOf(certificateForms)(value, at);
  const { key, point } = byteLengths[certificate.scheme];
  hexOf(key)(certificate.publicKey, `${at}.publicKey`);
  certificate.verificationShares.forEach((share, i) => hexOf(point)(share, `${at}.verificationShares[${i}]`));
  for (const [member, of] of [
    ['internalKey', 'Schnorr'],
    ['chainCode', 'ECDSA'],
  ] as const)
    if ((certificate[member] !== '') !== (certificate.scheme === of))
      throw new Error(
        `${at}.${member}: want ${certificate.scheme === of ? '32 bytes in hex' : '""'} for ${certificate.scheme}, got ${quote(certificate[member])}`,
      );
  return certificate;
};

/** What each type of statement must look like, and what its members must be to each other. */
export const statementForms: { readonly [T in StatementType]: Form<StatementOf<T>> } = {
  'holdfast/request/v1': recordOf(requestForms),
  'holdfast/approval/v1': recordOf(approvalForms),
  'holdfast/policy/v1': policyForm,
  'holdfast/genesis/v1': genesisForm,
  'holdfast/certificate/v1': certificateForm,
  'holdfast/abandoned/v1': recordOf(abandonedForms),
  'holdfast/head/v1': recordOf(headForms),
};
