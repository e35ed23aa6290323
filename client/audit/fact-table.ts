import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import { parseTime } from '../../common/clock.ts';
import type { AuditMembers } from '../../statement/audit.ts';

/** What one record says that other records must agree with. Texts as in the record, "" where it has no such member. */
export type Fact = {
  readonly holder: string;
  readonly sequence: bigint;
  readonly type: string;
  /** Unix seconds. */
  readonly time: bigint;
  readonly value: string;
};

/** Members that are compared. `from` is SQL's word. */
const columns = ['digest', 'initiator', 'id', 'key', 'effects', 'scheme', 'attempt', 'certificate', 'genesis'] as const;

/**
 * Facts of all logs, in a private database on disk that ends with the process: logs are longer than memory, and who
 * agrees with whom is a question for an index.
 */
export class FactTable {
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #insertPart: StatementSync;

  constructor() {
    this.#db = new DatabaseSync('');
    this.#db.exec(`
      PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -32768;
      CREATE TABLE log (holder TEXT PRIMARY KEY, as_of INTEGER NOT NULL, whole INTEGER NOT NULL) STRICT, WITHOUT ROWID;
      CREATE TABLE fact (holder TEXT, sequence INTEGER, settled INTEGER, type TEXT, time INTEGER, source TEXT,
        ${columns.map((name) => `${name} TEXT`).join(', ')}) STRICT;
      CREATE TABLE part (holder TEXT, sequence INTEGER, settled INTEGER, digest TEXT, participant TEXT) STRICT;
      BEGIN`);
    this.#insert = this.#db.prepare(`INSERT INTO fact VALUES (?, ?, ?, ?, ?, ?, ${columns.map(() => '?').join(', ')})`);
    this.#insertPart = this.#db.prepare('INSERT INTO part VALUES (?, ?, ?, ?, ?)');
  }

  /** `settled` where the record was there before any log was read: what must have been before it is in the other logs. */
  add(holder: string, sequence: bigint, settled: boolean, members: AuditMembers): void {
    const { type = '', digest = '', key = '', genesis = '' } = members;
    if (digest === '' && key === '' && genesis === '') return;
    const at = BigInt(Math.floor(parseTime(members['time'] ?? '') / 1000));
    const flag = settled ? 1 : 0;
    const values = columns.map((name) => members[name] ?? '');
    this.#insert.run(holder, sequence, flag, type, at, members['from'] ?? '', ...values);
    if (type !== 'Signed') return;
    for (const participant of new Set((members['participants'] ?? '').split(',')))
      if (participant !== '') this.#insertPart.run(holder, sequence, flag, digest, participant);
  }

  /**
   * All facts are in: what is `whole` has every record that its holder wrote until `asOf`, and nothing that is said from
   * `broken` on counts.
   */
  complete(
    logs: readonly {
      readonly holder: string;
      readonly asOf: number;
      readonly whole: boolean;
      readonly broken: bigint | undefined;
    }[],
  ): void {
    const insert = this.#db.prepare('INSERT INTO log VALUES (?, ?, ?)');
    for (const { holder, asOf, whole, broken } of logs) {
      insert.run(holder, BigInt(asOf), whole ? 1 : 0);
      if (broken === undefined) continue;
      for (const table of ['fact', 'part'])
        this.#db.prepare(`DELETE FROM ${table} WHERE holder = ? AND sequence >= ?`).run(holder, broken);
    }
    this.#db.exec(`COMMIT;
      CREATE INDEX fact_digest ON fact (digest, holder) WHERE digest <> '';
      CREATE INDEX fact_id ON fact (initiator, id) WHERE type IN ('Released', 'Signed');
      CREATE INDEX fact_key ON fact (key, type) WHERE digest = '';`);
  }

  /** Rows of a query, one at a time. */
  *rows(sql: string, ...values: readonly (string | bigint)[]): Generator<Readonly<Record<string, unknown>>> {
    const statement = this.#db.prepare(sql);
    statement.setReadBigInts(true);
    yield* statement.iterate(...values);
  }

  close(): void {
    this.#db.close();
  }
}
