import type { AuditEntry, Change, KeyRow } from '../state/store.ts';

/** What becomes of a key's row, and what the audit says of it. */
export type KeyChange = { readonly row: KeyRow; readonly audit?: readonly AuditEntry[] };

/**
 * A key's row as it is on disk. Changes come one after another, each made from what the one before left there: whatever
 * the row says may be promised to others, and a change that could not be written never was.
 */
export class KeyRecord {
  readonly #write: (change: Pick<Change, 'keys' | 'audit'>) => Promise<void>;
  #row: KeyRow;
  #kept: boolean;
  #last: Promise<unknown> = Promise.resolve();

  /** `kept`: the row is on disk already. */
  constructor(row: KeyRow, kept: boolean, write: (change: Pick<Change, 'keys' | 'audit'>) => Promise<void>) {
    this.#row = row;
    this.#kept = kept;
    this.#write = write;
  }

  get row(): KeyRow {
    return this.#row;
  }

  /** Writes a row that is not on disk yet. */
  keep(): Promise<void> {
    return this.change((row) => (this.#kept ? undefined : { row }));
  }

  /** Makes and writes the change that `next` asks for once it is its turn; rejects, with nothing changed, where it throws. */
  change(next: (row: KeyRow) => KeyChange | undefined): Promise<void> {
    const turn = this.#last.then(async () => {
      const change = next(this.#row);
      if (change === undefined) return;
      await this.#write({ keys: [change.row], audit: change.audit ?? [] });
      this.#row = change.row;
      this.#kept = true;
    });
    this.#last = turn.catch(() => {});
    return turn;
  }
}
