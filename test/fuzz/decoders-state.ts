import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { concat, hex, utf8 } from '../../common/bytes.ts';
import { messageOf } from '../../common/errors.ts';
import { encodeEffects } from '../../policy/effects-json.ts';
import { bare } from '../../policy/testing/policies.ts';
import { signaturesOf } from '../../signer/ceremony/key-signatures.ts';
import { outcomeEvent } from '../../signer/outcome-event.ts';
import { Database } from '../../signer/state/database.ts';
import { lockFolder } from '../../signer/state/folder-lock.ts';
import { loadOrCreateIdentity } from '../../signer/state/identity.ts';
import { keyFileSeal } from '../../signer/state/key-file-seal.ts';
import { Reader } from '../../signer/state/reader.ts';
import {
  auditRecord,
  banRow,
  keyRow,
  ledgerRow,
  peerRow,
  requestRow,
  spendRow,
  type Row,
} from '../../signer/state/rows.ts';
import { chainRecord, emptyHead } from '../../statement/audit.ts';
import { Disk, MemoryStore } from '../simulation/memory-store.ts';
import { fromUtf8Text } from './decoders-statement.ts';
import type { Decoder } from './decoder.ts';
import { file } from './decoder-kinds.ts';
import { scratchFolder } from './scratch-folder.ts';

const folder = scratchFolder();
const kek = join(folder, 'kek');
writeFileSync(kek, randomBytes(32), { mode: 0o600 });
const seal = keyFileSeal(kek);
const owner = { wallet: 'payments/treasury', holder: 'client' };
const now = 1_780_000_000;

/** The rows of meta that a first start writes. */
const made = new Disk();
await loadOrCreateIdentity({ store: new MemoryStore(made), seal, ...owner, now });
const metaNames = ['owner', 'nonce', 'identity'] as const;
const lengthed = (bytes: Uint8Array): Uint8Array =>
  concat(Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes);
const meta = concat(...metaNames.map((name) => lengthed(made.meta.get(name) ?? new Uint8Array())));

/** A row of meta after another, each with its length; the rest is none. */
function readMeta(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  let at = 0;
  return new Map(
    metaNames.map((name) => {
      const length = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
      const value = bytes.slice(at + 2, at + 2 + length);
      at += 2 + length;
      return [name, value];
    }),
  );
}

const bytesOf = (text: string) => Uint8Array.from(utf8(text));
const digest = `sha256:${'11'.repeat(32)}`;
const audited = chainRecord(emptyHead, '2026-12-01T00:00:00Z', {
  type: 'Signed',
  id: 'pay-42',
  participants: 'client',
});
const effects = encodeEffects([bare('Message')]);
const tables: Readonly<Record<string, { readonly row: Row; readonly read: (row: Row) => unknown }>> = {
  signing_key: {
    row: {
      ...{ name: 'solana', scheme: 'EdDSA', state: 'Active', attempt: 1n, abandoned: 0n, sealed: new Uint8Array(3) },
      ...{ certificate: bytesOf('{}'), signatures: '{"client":"YQ=="}' },
    },
    read: (row) => signaturesOf(keyRow(row)),
  },
  request: {
    row: {
      ...{ digest, initiator: 'api', id: 'pay', key: 'solana', statement: bytesOf('{}'), signature: 'armored' },
      ...{ expires_at: BigInt(now), first_seen: BigInt(now), state: 'Signed', reason: '', message: '', rule: 'any' },
      ...{ policy_digest: digest, participants: '["client"]', signatures: `["${hex(new Uint8Array(64))}"]` },
    },
    read: requestRow,
  },
  ledger: { row: { digest, at: BigInt(now), effects, state: 'Spent' }, read: ledgerRow },
  release: { row: { sequence: 1n, digest, at: BigInt(now) }, read: spendRow },
  peer: {
    row: {
      ...{ name: 'client', head_sequence: 4n, head_hash: new Uint8Array(32), spends: 2n, fenced: '', strikes: 1n },
      ...{ signed_sequence: 4n, signed_hash: new Uint8Array(32), signature: new Uint8Array(64) },
    },
    read: peerRow,
  },
  ban: { row: { key: 'ethereum', peer: 'backup', why: 'a check failed', at: BigInt(now) }, read: banRow },
  audit: {
    row: {
      sequence: audited.sequence,
      record: Uint8Array.from(audited.record),
      hash: Uint8Array.from(audited.hash),
    },
    read: (row) => outcomeEvent(auditRecord(row)),
  },
};

/** A row as JSON: SQLite's bytes are `{ bytes }` in hex, its whole numbers `{ whole }`. */
const written = (table: string, row: Readonly<Record<string, unknown>>): Uint8Array =>
  utf8(
    JSON.stringify([
      table,
      Object.fromEntries(
        Object.entries(row).map(([column, value]) => [
          column,
          typeof value === 'bigint'
            ? { whole: String(value) }
            : value instanceof Uint8Array
              ? { bytes: hex(value) }
              : value,
        ]),
      ),
    ]),
  );
function readRow(bytes: Uint8Array): void {
  let parsed: unknown;
  try {
    parsed = JSON.parse(fromUtf8Text(bytes));
  } catch (error) {
    throw new Error(messageOf(error));
  }
  const [name, columns] = Array.isArray(parsed) ? (parsed as unknown[]) : [];
  const table = typeof name === 'string' && Object.hasOwn(tables, name) ? tables[name] : undefined;
  if (table === undefined || typeof columns !== 'object' || columns === null) throw new Error('no row');
  const row = Object.fromEntries(
    Object.entries(columns).map(([column, value]: [string, unknown]) => {
      if (typeof value !== 'object' || value === null) return [column, typeof value === 'boolean' ? null : value];
      const { whole, bytes: inHex }: { whole?: unknown; bytes?: unknown } = value;
      if (typeof whole === 'string' && /^-?[0-9]{1,19}$/.test(whole)) return [column, BigInt.asIntN(64, BigInt(whole))];
      return [column, Uint8Array.from(Buffer.from(String(inHex), 'hex'))];
    }),
  ) as Row;
  table.read(row);
}

const oddValue = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    1.5,
    '',
    '[',
    'null',
    '{}',
    '[]',
    '["a"]',
    '{"a":1}',
    '{"__proto__":"a"}',
    'constructor',
  ),
  fc.constantFrom('0', '-1', '253402300800', '9223372036854775807').map((whole) => ({ whole })),
  fc.uint8Array({ maxLength: 8 }).map((bytes) => ({ bytes: hex(bytes) })),
  fc.json(),
);

/** A database with a row in every table. */
function stateDatabase(): Uint8Array {
  const path = join(folder, 'made.db');
  const database = new Database(path);
  const [, failed] = database.apply([
    { now, meta: Object.fromEntries(made.meta) },
    {
      now,
      keys: [keyRow(tables['signing_key']!.row)],
      requests: [requestRow(tables['request']!.row)],
      ledger: [{ digest, at: now, effects, state: 'Spent' }],
      nonces: [{ key: 'solana', boot: '00', index: 1n }],
      releases: [{ digest, at: now }],
      peers: [peerRow(tables['peer']!.row)],
      bans: [banRow(tables['ban']!.row)],
      audit: [{ type: 'Signed', id: 'pay' }],
    },
  ]);
  database.close();
  if (failed !== undefined) throw failed;
  return Uint8Array.from(readFileSync(path));
}

/** Opens `path` as a signer does at its start, and reads all that it may ever read there. */
function openState(path: string): void {
  for (const rest of ['-wal', '-shm', '-journal']) rmSync(`${path}${rest}`, { force: true });
  const database = new Database(path);
  try {
    const reader = new Reader(path);
    try {
      reader.load();
      for (const row of reader.ledgerRows()) reader.request(row.digest);
      reader.releasesAfter(0n, 128);
      reader.auditAfter(0n, 128);
    } finally {
      reader.close();
    }
  } finally {
    database.close();
  }
}

export const stateDecoderTable: readonly Decoder[] = [
  {
    name: 'SQLite rows',
    seeds: Object.entries(tables).map(([table, { row }]) => written(table, row)),
    decode(bytes) {
      readRow(bytes);
      return undefined;
    },
    structured: fc
      .constantFrom(...Object.keys(tables))
      .chain((table) =>
        fc
          .dictionary(fc.constantFrom(...Object.keys(tables[table]!.row)), oddValue, { minKeys: 1, maxKeys: 2 })
          .map((changed) => written(table, { ...tables[table]!.row, ...changed })),
      ),
  },
  {
    name: 'state.db of a signer',
    seeds: [stateDatabase()],
    decode: file(join(folder, 'state.db'), openState),
    mostBytes: 256 * 1024,
  },
  {
    name: 'lock.db of a signer',
    seeds: [new Uint8Array()],
    decode: file(join(folder, 'lock.db'), () => lockFolder(folder).release()),
  },
  {
    name: 'identity of a signer',
    seeds: [meta],
    decode: async (bytes) => {
      const disk = new Disk();
      for (const [name, value] of readMeta(bytes)) disk.meta.set(name, value);
      await loadOrCreateIdentity({ store: new MemoryStore(disk), seal, ...owner, now });
      return undefined;
    },
  },
];
