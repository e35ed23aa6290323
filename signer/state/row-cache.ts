import type { Change, LedgerRow, RequestRow, SpendRow } from './store.ts';

/** Rows, and keys known to have none. */
const MOST = 256;
/** Larger statements are rare and read each time, so that nobody fills the memory. Bytes. */
const LARGEST_STATEMENT = 4_096;

type Rows = {
  request(digest: string): RequestRow | undefined;
  requestById(initiator: string, id: string): RequestRow | undefined;
  ledger(digest: string): LedgerRow | undefined;
  releasesAfter(sequence: bigint, limit: number): readonly SpendRow[];
};

/**
 * What was read lately. A request under way is looked for a dozen times, mostly in vain, and each read of a database that
 * another connection writes costs as much as the arithmetic of policy. `forget` is to be called with every change once it
 * is written, or may be: only this process writes, so that what is here is what is on disk. Rows older than any window
 * may stay after they were pruned.
 */
export class RowCache implements Rows {
  readonly #disk: Rows;
  /** The latest used last. */
  readonly #rows = new Map<string, RequestRow | LedgerRow | undefined>();
  /** No release on disk is after this one; undefined where that is not known. */
  #lastRelease: bigint | undefined;

  constructor(disk: Rows) {
    this.#disk = disk;
  }

  request(digest: string): RequestRow | undefined {
    return this.#cached(requestKey(digest), () => this.#disk.request(digest));
  }

  requestById(initiator: string, id: string): RequestRow | undefined {
    return this.#cached(idKey(initiator, id), () => this.#disk.requestById(initiator, id));
  }

  ledger(digest: string): LedgerRow | undefined {
    return this.#cached(ledgerKey(digest), () => this.#disk.ledger(digest));
  }

  releasesAfter(sequence: bigint, limit: number): readonly SpendRow[] {
    if (this.#lastRelease !== undefined && sequence >= this.#lastRelease) return [];
    const rows = this.#disk.releasesAfter(sequence, limit);
    if (rows.length < limit) this.#lastRelease = rows.at(-1)?.sequence ?? sequence;
    return rows;
  }

  forget({ requests = [], ledger = [], unreserve = [], releases = [] }: Change): void {
    for (const { digest, initiator, id } of requests) {
      this.#rows.delete(requestKey(digest));
      this.#rows.delete(idKey(initiator, id));
    }
    for (const { digest } of ledger) this.#rows.delete(ledgerKey(digest));
    for (const digest of unreserve) this.#rows.delete(ledgerKey(digest));
    if (releases.length > 0) this.#lastRelease = undefined;
  }

  #cached<Row extends RequestRow | LedgerRow>(key: string, read: () => Row | undefined): Row | undefined {
    const row = this.#rows.has(key) ? (this.#rows.get(key) as Row | undefined) : read();
    this.#rows.delete(key);
    if (row !== undefined && 'statement' in row && row.statement.length > LARGEST_STATEMENT) return row;
    this.#rows.set(key, row);
    if (this.#rows.size > MOST) this.#rows.delete(this.#rows.keys().next().value ?? '');
    return row;
  }
}

const requestKey = (digest: string): string => `request ${digest}`;
const idKey = (initiator: string, id: string): string => `id ${initiator}\n${id}`;
const ledgerKey = (digest: string): string => `ledger ${digest}`;
