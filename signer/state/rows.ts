import { fromHex } from '../../common/bytes.ts';
import type { SQLOutputValue } from 'node:sqlite';
import type { AuditRecord, KeyRow, LedgerRow, PeerRow, RequestRow, SignedHead, SpendRow } from './store.ts';

/** A row as SQLite gives it, whole numbers as bigint. STRICT tables and checks hold types and states. */
export type Row = Readonly<Record<string, SQLOutputValue>>;

export const keyRow = (r: Row): KeyRow => ({
  name: text(r, 'name'),
  scheme: text(r, 'scheme'),
  state: text(r, 'state') as KeyRow['state'],
  attempt: number(r, 'attempt'),
  abandoned: number(r, 'abandoned'),
  sealed: blob(r, 'sealed'),
  certificate: blob(r, 'certificate'),
  signatures: text(r, 'signatures'),
});

export const requestRow = (r: Row): RequestRow => ({
  digest: text(r, 'digest'),
  initiator: text(r, 'initiator'),
  id: text(r, 'id'),
  key: text(r, 'key'),
  statement: blob(r, 'statement'),
  signature: text(r, 'signature'),
  expiresAt: number(r, 'expires_at'),
  firstSeen: number(r, 'first_seen'),
  state: text(r, 'state') as RequestRow['state'],
  reason: text(r, 'reason'),
  message: text(r, 'message'),
  rule: text(r, 'rule'),
  policyDigest: text(r, 'policy_digest'),
  participants: texts(r, 'participants'),
  signatures: texts(r, 'signatures').map((s) => fromHex(s, 'signature')),
});

export const ledgerRow = (r: Row): LedgerRow => ({
  digest: text(r, 'digest'),
  at: number(r, 'at'),
  effects: text(r, 'effects'),
  state: text(r, 'state') as LedgerRow['state'],
});

export const spendRow = (r: Row): SpendRow => ({
  sequence: bigint(r, 'sequence'),
  digest: text(r, 'digest'),
  at: number(r, 'at'),
});

export const peerRow = (r: Row): PeerRow => ({
  name: text(r, 'name'),
  head: { sequence: bigint(r, 'head_sequence'), hash: blob(r, 'head_hash') },
  signed: signedHead(r),
  spends: bigint(r, 'spends'),
  fenced: text(r, 'fenced'),
});

const signedHead = (r: Row): SignedHead | undefined =>
  r['signed_sequence'] === null
    ? undefined
    : {
        head: { sequence: bigint(r, 'signed_sequence'), hash: blob(r, 'signed_hash') },
        signature: blob(r, 'signature'),
      };

export const auditRecord = (r: Row): AuditRecord => ({
  sequence: bigint(r, 'sequence'),
  record: blob(r, 'record'),
  hash: blob(r, 'hash'),
});

export function text(row: Row, column: string): string {
  const value = row[column];
  return typeof value === 'string' ? value : wrong(column, 'text');
}

/** A list of texts, which a column holds as JSON. */
function texts(row: Row, column: string): readonly string[] {
  let value: unknown;
  try {
    value = JSON.parse(text(row, column));
  } catch {
    value = undefined; // text that is no JSON at all: quoted in no error
  }
  const isText = (item: unknown): item is string => typeof item === 'string';
  return Array.isArray(value) && value.every(isText) ? value : wrong(column, 'a JSON list of texts');
}

export function blob(row: Row, column: string): Uint8Array {
  const value = row[column];
  return value instanceof Uint8Array ? value : wrong(column, 'bytes');
}

export const number = (row: Row, column: string): number => Number(bigint(row, column));

function bigint(row: Row, column: string): bigint {
  const value = row[column];
  return typeof value === 'bigint' ? value : wrong(column, 'a whole number');
}

const wrong = (column: string, want: string): never => {
  throw new Error(`the signer's state holds no row as expected: want ${want} in column ${column}`);
};
