import { DatabaseSync } from 'node:sqlite';
import { emptyHead, verifyChain } from '../../statement/audit.ts';
import { applyChange, pruneOlder } from './change-sql.ts';
import { auditRecord, number } from './rows.ts';
import { KEPT_SECONDS, migrate } from './schema.ts';
import { isFaultOfChange } from './sqlite-fault.ts';
import { Statements } from './statements.ts';
import type { Change, Head } from './store.ts';

/** How each change of a group fared: undefined is on disk, an error is not. */
export type Applied = readonly (Error | undefined)[];

/** Seconds of the signer's time between two prunings; while there is more to prune, each group does a part. */
const PRUNE_EVERY = 3_600;
/** Rows of each table pruned at once, so that no change waits long for it. */
const PRUNE_ROWS = 512;
/** How long a program that looks at the file may hold it up. */
const BUSY_MS = 1_000;
/** Audit records checked when the database is opened; `holdfast audit verify` checks them all. */
const CHECKED_RECORDS = 256;

/** The signer's database, open for writing by this one connection. Errors of SQLite leave it as they are. */
export class Database {
  readonly #db: DatabaseSync;
  readonly #statements: Statements;
  /** Boots of this process: their nonces may still be in memory. */
  readonly #boots = new Set<string>();
  #head: Head;
  #time: number;
  #pruned: number;

  /** Opens `file`, makes or migrates its tables, checks the end of its audit chain. */
  constructor(file: string) {
    this.#db = new DatabaseSync(file, { enableForeignKeyConstraints: false, timeout: BUSY_MS });
    try {
      // FULL: a commit is in the write-ahead log and synced before it returns. MEMORY: what undoes a large change would
      // else go to a temporary file, and a container has no folder for one.
      this.#db.exec(
        'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON',
      );
      migrate(this.#db);
      this.#statements = new Statements(this.#db);
      this.#head = checkedHead(this.#statements);
      this.#time = number(this.#statements.get('SELECT seconds FROM clock') ?? {}, 'seconds');
      this.#pruned = 0;
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  /** The audit head on disk. */
  get head(): Head {
    return this.#head;
  }

  /**
   * Applies `changes` in order in one transaction, on disk when it returns. A change that breaks a rule fails alone.
   * Throws where none of them is on disk, or, with a fault of the disk while committing, where nobody can know.
   */
  apply(changes: readonly Change[]): Applied {
    let [head, time] = [this.#head, this.#time];
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const results = changes.map((change) => {
        try {
          this.#db.exec('SAVEPOINT change');
          const at = Math.max(time, change.now);
          const next = applyChange(this.#statements, change, head, at);
          this.#db.exec('RELEASE change');
          [head, time] = [next, at];
          return undefined;
        } catch (error) {
          if (!isFaultOfChange(error)) throw error;
          this.#db.exec('ROLLBACK TO change; RELEASE change');
          return error;
        }
      });
      const pruned = this.#prune(time);
      this.#db.exec('COMMIT');
      [this.#head, this.#time, this.#pruned] = [head, time, pruned];
      for (const [i, { nonces = [] }] of changes.entries())
        if (results[i] === undefined) for (const { boot } of nonces) this.#boots.add(boot);
      return results;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    this.#db.close();
  }

  /** Prunes a part of what no window reaches any more; gives the time up to which all of it is gone. */
  #prune(time: number): number {
    if (time < this.#pruned + PRUNE_EVERY) return this.#pruned;
    const more = pruneOlder(this.#statements, time - KEPT_SECONDS, [...this.#boots], PRUNE_ROWS);
    return more ? this.#pruned : time;
  }
}

/** The audit head, after checking that the last records are a chain. */
function checkedHead(statements: Statements): Head {
  const last = statements
    .all(
      `SELECT sequence, x'' AS record, hash FROM audit_pruned
       UNION ALL SELECT sequence, record, hash FROM audit ORDER BY sequence DESC LIMIT ?`,
      CHECKED_RECORDS + 1,
    )
    .map(auditRecord)
    .reverse();
  const [before] = last;
  if (before === undefined) return emptyHead;
  const { head } = before.sequence === 1n ? verifyChain(last) : verifyChain(last.slice(1), before);
  return head;
}
