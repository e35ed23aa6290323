import { hex } from '../../common/bytes.ts';
import { formatTime } from '../../common/clock.ts';
import { chainRecord, SEGMENT_RECORDS } from '../../statement/audit.ts';
import { number } from './rows.ts';
import type { Statements } from './statements.ts';
import type { Change, Head, KeyRow, LedgerRow, NonceRow, PeerRow, RequestRow } from './store.ts';

/**
 * Writes `change` at `time` (Unix seconds) as part of an open transaction and gives the audit head after it. Throws
 * where it breaks a rule; what it wrote until then is the caller's to roll back.
 */
export function applyChange(sql: Statements, change: Change, head: Head, time: number): Head {
  sql.run('UPDATE clock SET seconds = ?', time);
  for (const [name, value] of Object.entries(change.meta ?? {}))
    sql.run('INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value', name, value);
  for (const row of change.keys ?? []) putKey(sql, row);
  for (const row of change.nonces ?? []) consume(sql, row, time);
  for (const row of change.requests ?? []) putRequest(sql, row);
  for (const digest of change.unreserve ?? [])
    sql.run("DELETE FROM ledger WHERE digest = ? AND state = 'Reserved'", digest);
  for (const row of change.ledger ?? []) putLedger(sql, row);
  for (const { digest, at } of change.releases ?? [])
    sql.run(
      'INSERT INTO release (digest, at) SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM release WHERE digest = ?1)',
      digest,
      at,
    );
  for (const row of change.peers ?? []) putPeer(sql, row);
  for (const { key, peer, why } of change.bans ?? [])
    sql.run('INSERT INTO ban VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING', key, peer, why, time);
  if (change.pruneAudit !== undefined) pruneSegment(sql, change.pruneAudit);
  let end = head;
  for (const entry of change.audit ?? []) {
    const link = chainRecord(end, formatTime(time * 1000), entry);
    sql.run('INSERT INTO audit VALUES (?, ?, ?)', link.sequence, link.record, link.hash);
    end = { sequence: link.sequence, hash: link.hash };
  }
  return end;
}

/**
 * Deletes up to `rows` rows of each table that are older than `before` (Unix seconds); true where more may be left.
 * Nonces of `boots` stay: that process may still hold them.
 */
export function pruneOlder(sql: Statements, before: number, boots: readonly string[], rows: number): boolean {
  const deleted = [
    sql.run('DELETE FROM ledger WHERE digest IN (SELECT digest FROM ledger WHERE at < ? LIMIT ?)', before, rows),
    sql.run(
      'DELETE FROM request WHERE digest IN (SELECT digest FROM request WHERE expires_at < ? LIMIT ?)',
      before,
      rows,
    ),
    sql.run('DELETE FROM release WHERE sequence IN (SELECT sequence FROM release WHERE at < ? LIMIT ?)', before, rows),
    sql.run(
      `DELETE FROM nonce WHERE (key, boot, position) IN (SELECT key, boot, position FROM nonce
       WHERE at < ? AND boot NOT IN (SELECT value FROM json_each(?)) LIMIT ?)`,
      before,
      JSON.stringify(boots),
      rows,
    ),
  ];
  return deleted.includes(rows);
}

/** Takes the bodies of the oldest segment that has them, which must end with `end`. What is left of a record is its number and hash. */
function pruneSegment(sql: Statements, { sequence, hash }: Head): void {
  const pruned = BigInt(number(sql.get('SELECT coalesce(max(sequence), 0) AS last FROM audit_pruned') ?? {}, 'last'));
  const next = pruned + SEGMENT_RECORDS;
  if (sequence !== next) throw new Error(`want the segment that ends with audit record ${next}, got ${sequence}`);
  if (sql.get('SELECT 1 FROM audit WHERE sequence = ? AND hash = ?', sequence, hash) === undefined)
    throw new Error(`audit record ${sequence} has another hash than ${hex(hash)} here, or is not there yet`);
  sql.run('INSERT INTO audit_pruned SELECT sequence, hash FROM audit WHERE sequence <= ? ORDER BY sequence', sequence);
  sql.run('DELETE FROM audit WHERE sequence <= ?', sequence);
}

const putKey = (sql: Statements, row: KeyRow): number =>
  sql.run(
    `INSERT INTO signing_key (name, scheme, state, attempt, abandoned, sealed, certificate, signatures)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET scheme = excluded.scheme, state = excluded.state,
     attempt = excluded.attempt, abandoned = excluded.abandoned, sealed = excluded.sealed,
     certificate = excluded.certificate, signatures = excluded.signatures`,
    row.name,
    row.scheme,
    row.state,
    row.attempt,
    row.abandoned,
    row.sealed,
    row.certificate,
    row.signatures,
  );

function consume(sql: Statements, { key, boot, index }: NonceRow, time: number): void {
  const fresh = sql.run('INSERT INTO nonce VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING', key, boot, index, time);
  if (fresh === 0) throw new Error(`nonce ${index} of key ${JSON.stringify(key)}, boot ${boot}, was used before`);
}

function putRequest(sql: Statements, row: RequestRow): void {
  const bound = sql.get('SELECT digest FROM request WHERE initiator = ? AND id = ?', row.initiator, row.id);
  if (bound !== undefined && bound['digest'] !== row.digest)
    throw new Error(
      `id ${JSON.stringify(row.id)} of ${row.initiator} is bound to another request, ${String(bound['digest'])}`,
    );
  // When it was first seen stays; the statement, which one that was refused is kept without, the last signature that
  // verified and the outcome are replaced.
  sql.run(
    `INSERT INTO request (digest, initiator, id, key, statement, signature, expires_at, first_seen,
     state, reason, message, rule, policy_digest, participants, signatures)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (digest) DO UPDATE SET statement = excluded.statement, signature = excluded.signature,
     state = excluded.state, reason = excluded.reason, message = excluded.message, rule = excluded.rule,
     policy_digest = excluded.policy_digest, participants = excluded.participants, signatures = excluded.signatures`,
    row.digest,
    row.initiator,
    row.id,
    row.key,
    row.statement,
    row.signature,
    row.expiresAt,
    row.firstSeen,
    row.state,
    row.reason,
    row.message,
    row.rule,
    row.policyDigest,
    JSON.stringify(row.participants),
    JSON.stringify(row.signatures.map(hex)),
  );
}

const putLedger = (sql: Statements, row: LedgerRow): number =>
  sql.run(
    'INSERT INTO ledger (digest, at, effects, state) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state, at = max(at, excluded.at)',
    row.digest,
    row.at,
    row.effects,
    row.state,
  );

const putPeer = (sql: Statements, { name, head, signed, spends, fenced, strikes }: PeerRow): number =>
  sql.run(
    `INSERT INTO peer (name, head_sequence, head_hash, signed_sequence, signed_hash, signature, spends, fenced, strikes)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
     head_hash = iif(excluded.head_sequence > head_sequence, excluded.head_hash, head_hash),
     head_sequence = max(head_sequence, excluded.head_sequence),
     signed_hash = iif(excluded.signed_sequence > ifnull(signed_sequence, 0), excluded.signed_hash, signed_hash),
     signature = iif(excluded.signed_sequence > ifnull(signed_sequence, 0), excluded.signature, signature),
     signed_sequence = iif(excluded.signed_sequence > ifnull(signed_sequence, 0), excluded.signed_sequence, signed_sequence),
     spends = max(spends, excluded.spends),
     fenced = iif(fenced = '', excluded.fenced, fenced), strikes = max(strikes, excluded.strikes)`,
    name,
    head.sequence,
    head.hash,
    signed?.head.sequence ?? null,
    signed?.head.hash ?? null,
    signed?.signature ?? null,
    spends,
    fenced,
    strikes,
  );
