import { fromHex, hex, sha256, utf8 } from '../../common/bytes.ts';
import { parseCanonical } from '../../statement/canonical.ts';
import type { AuditRecord } from '../../statement/audit.ts';
import { DamagedLog } from './followed-log.ts';

/** No record is longer, not even of the longest escapes. */
export const MOST_LINE_BYTES = 1 << 20;

/**
 * A record as one line of an export: its bytes themselves, whose SHA-256 is its hash. One without a body is told by its
 * members, of which a record always has others.
 */
export const lineOf = ({ sequence, record, hash }: AuditRecord): Uint8Array =>
  record.length > 0
    ? record
    : utf8(JSON.stringify({ hash: `sha256:${hex(hash)}`, pruned: 'body', sequence: String(sequence) }));

/**
 * The record of a line, by its place: what the line says of that is the chain's to check. Throws {@link DamagedLog} on an
 * empty line, which would be a record whose body was pruned.
 */
export function recordOfLine(line: Uint8Array, sequence: bigint): AuditRecord {
  if (line.length === 0) throw new DamagedLog(sequence, 'is an empty line');
  const hash = prunedHash(line, sequence);
  return hash === undefined
    ? { sequence, record: Uint8Array.from(line), hash: sha256(line) }
    : { sequence, record: new Uint8Array(), hash };
}

function prunedHash(line: Uint8Array, sequence: bigint): Uint8Array | undefined {
  if (line.length > 256) return undefined;
  try {
    const value = parseCanonical(line);
    const { hash, pruned, sequence: at } = value as { readonly [name: string]: unknown };
    if (Object.keys(value).length !== 3 || pruned !== 'body' || at !== String(sequence)) return undefined;
    return typeof hash === 'string' && /^sha256:[0-9a-f]{64}$/.test(hash) ? fromHex(hash.slice(7)) : undefined;
  } catch {
    return undefined;
  }
}
