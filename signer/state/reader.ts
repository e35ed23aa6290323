import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import {
  auditRecord,
  banRow,
  blob,
  keyRow,
  ledgerRow,
  number,
  peerRow,
  requestRow,
  type Row,
  spendRow,
  text,
} from './rows.ts';
import { explainFault } from './sqlite-fault.ts';
import { Statements } from './statements.ts';
import type { AuditRecord, LedgerRow, RequestRow, Snapshot, SpendRow, Store } from './store.ts';

/** Reads what is on disk over a connection that cannot write. Throws a UserError that names the file where it is damaged. */
export class Reader implements Omit<Store, 'write' | 'head' | 'problem' | 'close'> {
  readonly #file: string;
  readonly #db: DatabaseSync;
  readonly #statements: Statements;

  constructor(file: string) {
    this.#file = file;
    this.#db = new DatabaseSync(file, { readOnly: true, enableForeignKeyConstraints: false, timeout: 1_000 });
    this.#db.exec('PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON');
    this.#statements = new Statements(this.#db);
  }

  load(): Snapshot {
    return {
      meta: new Map(this.#all('SELECT * FROM meta', (r) => [text(r, 'name'), blob(r, 'value')] as const)),
      keys: this.#all('SELECT * FROM signing_key ORDER BY name', keyRow),
      unfinished: this.#all("SELECT * FROM request WHERE state = 'Reserved'", requestRow),
      reserved: this.#all("SELECT * FROM ledger WHERE state = 'Reserved' ORDER BY at", ledgerRow),
      peers: this.#all('SELECT * FROM peer ORDER BY name', peerRow),
      bans: this.#all('SELECT * FROM ban ORDER BY key, peer', banRow),
      lastTime: this.#all('SELECT seconds FROM clock', (r) => number(r, 'seconds'))[0] ?? 0,
    };
  }

  *ledgerRows(): Generator<LedgerRow> {
    try {
      for (const row of this.#statements.each('SELECT * FROM ledger ORDER BY at')) yield ledgerRow(row);
    } catch (error) {
      throw explainFault(error, this.#file);
    }
  }

  request(digest: string): RequestRow | undefined {
    return this.#all('SELECT * FROM request WHERE digest = ?', requestRow, digest)[0];
  }

  requestById(initiator: string, id: string): RequestRow | undefined {
    return this.#all('SELECT * FROM request WHERE initiator = ? AND id = ?', requestRow, initiator, id)[0];
  }

  ledger(digest: string): LedgerRow | undefined {
    return this.#all('SELECT * FROM ledger WHERE digest = ?', ledgerRow, digest)[0];
  }

  releasesAfter(sequence: bigint, limit: number): readonly SpendRow[] {
    return this.#all('SELECT * FROM release WHERE sequence > ? ORDER BY sequence LIMIT ?', spendRow, sequence, limit);
  }

  auditAfter(sequence: bigint, limit: number): readonly AuditRecord[] {
    return this.#all(
      `SELECT sequence, x'' AS record, hash FROM audit_pruned WHERE sequence > ?1
       UNION ALL SELECT sequence, record, hash FROM audit WHERE sequence > ?1 ORDER BY sequence LIMIT ?2`,
      auditRecord,
      sequence,
      limit,
    );
  }

  close(): void {
    this.#db.close();
  }

  #all<T>(sql: string, read: (row: Row) => T, ...values: readonly SQLInputValue[]): T[] {
    try {
      return this.#statements.all(sql, ...values).map(read);
    } catch (error) {
      throw explainFault(error, this.#file);
    }
  }
}
