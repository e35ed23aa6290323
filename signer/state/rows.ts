import { fromHex, quote } from '../../common/bytes.ts';
import type { SQLOutputValue } from 'node:sqlite';
import type { AuditRecord, BanRow, KeyRow, LedgerRow, PeerRow, RequestRow, SignedHead, SpendRow } from './store.ts';

/**
 * A row as SQLite gives it, whole numbers as bigint. STRICT tables and checks hold types and states of what was written
 * through them; what was put into the file otherwise is found out here.
 */
export type Row = Readonly<Record<string, SQLOutputValue>>;

/** The end of the year 9999: RFC 3339 writes no later time. */
const MOST_SECONDS = 253_402_300_799n;

export const keyRow = (r: Row): KeyRow => ({
  name: text(r, 'name'),
  scheme: oneOf(r, 'scheme', ['EdDSA', 'Schnorr', 'ECDSA']),
  state: oneOf(r, 'state', ['Wanted', 'Prepared', 'Active']),
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
  state: oneOf(r, 'state', ['Reserved', 'Released', 'Signed', 'Denied', 'Failed']),
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
  state: oneOf(r, 'state', ['Reserved', 'Spent']),
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
  strikes: number(r, 'strikes'),
});

export const banRow = (r: Row): BanRow => ({ key: text(r, 'key'), peer: text(r, 'peer'), why: text(r, 'why') });

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
  return typeof value === 'string' ? value : wrong(row, column, 'text');
}

function oneOf<T extends string>(row: Row, column: string, known: readonly T[]): T {
  const value = text(row, column);
  return known.find((one) => one === value) ?? wrong(row, column, `one of ${known.join(', ')}`);
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
  return Array.isArray(value) && value.every(isText) ? value : wrong(row, column, 'a JSON list of texts');
}

export function blob(row: Row, column: string): Uint8Array {
  const value = row[column];
  return value instanceof Uint8Array ? value : wrong(row, column, 'bytes');
}

/** Counts, and seconds that a Date takes. */
export function number(row: Row, column: string): number {
  const value = bigint(row, column);
  return value >= 0n && value <= MOST_SECONDS ? Number(value) : wrong(row, column, `0 to ${MOST_SECONDS}`);
}

function bigint(row: Row, column: string): bigint {
  const value = row[column];
  return typeof value === 'bigint' ? value : wrong(row, column, 'a whole number');
}

function wrong(row: Row, column: string, want: string): never {
  const which = ['digest', 'name', 'sequence'].find((key) => row[key] !== undefined && key !== column);
  const of = which === undefined ? '' : ` of the row whose ${which} is ${quote(String(row[which]), 80)}`;
  throw new Error(`the signer's state holds no row as expected: want ${want} in column ${column}${of}`);
}
