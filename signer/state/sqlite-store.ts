import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Refused, UserError } from '../../common/errors.ts';
import { workerUrl } from '../../common/worker-url.ts';
import type { FromWorker, ToWorker, WriteRequest, WriterState } from './database-worker.ts';
import { lockFolder, type FolderLock } from './folder-lock.ts';
import { databaseFile, type WriterOptions } from './group-writer.ts';
import { Reader } from './reader.ts';
import { RowCache } from './row-cache.ts';
import type { AuditRecord, Change, Head, LedgerRow, RequestRow, Snapshot, SpendRow, Store } from './store.ts';

export type StoreOptions = {
  /**
   * Told once when writing has ended for good: what was under way may or may not be on disk, so the process must end
   * and start anew from what is.
   */
  readonly onFailure: (error: Error) => void;
  /** Told when {@link Store.problem} changes. */
  readonly onProblem?: (problem: string) => void;
  /** Room kept for spends and bans on a full disk. */
  readonly reserveBytes?: number;
};

const RESERVE_BYTES = 16 * 1024 * 1024;

/** Changes that may wait for the disk; at a thousand a second more would only be late. */
const MOST_WAITING = 8_192;

type Told = Required<Pick<StoreOptions, 'onFailure' | 'onProblem'>>;
type Waiting = { readonly change: Change; readonly resolve: () => void; readonly reject: (error: Error) => void };

/**
 * Opens a signer's state in `folder`, which is made where it is missing. One process a folder. Throws a UserError
 * where another process has it, it cannot be written, or its database is damaged or of a later version.
 */
export async function openStore(
  folder: string,
  { onFailure, onProblem = () => {}, reserveBytes = RESERVE_BYTES }: StoreOptions,
): Promise<Store> {
  const lock = lockFolder(folder);
  const workerData: WriterOptions = { folder, reserveBytes };
  const worker = new Worker(workerUrl(import.meta.url, 'database'), { name: 'database', workerData });
  try {
    const state = await opened(worker);
    const store = new SqliteStore(worker, new Reader(databaseFile(folder)), lock, state, { onFailure, onProblem });
    if (state.problem !== '') onProblem(state.problem);
    return store;
  } catch (error) {
    await worker.terminate();
    lock.release();
    throw error;
  }
}

/** What the worker says once it has opened the database. */
async function opened(worker: Worker): Promise<WriterState> {
  const [message] = (await once(worker, 'message')) as [FromWorker];
  switch (message.kind) {
    case 'opened':
      return message;
    case 'broken':
      throw new UserError(message.message, message.hints);
    case 'written':
      throw new Error('the database thread wrote before it opened');
  }
}

/** Writes in one worker thread, so that a slow disk never holds up the event loop; reads here. */
class SqliteStore implements Store {
  readonly #worker: Worker;
  readonly #reader: Reader;
  readonly #rows: RowCache;
  readonly #lock: FolderLock;
  readonly #told: Told;
  readonly #waiting = new Map<number, Waiting>();
  #batch: WriteRequest[] = [];
  #lastId = 0;
  #state: WriterState;
  #ended: Error | undefined;
  #closed: Promise<void> | undefined;

  constructor(worker: Worker, reader: Reader, lock: FolderLock, state: WriterState, told: Told) {
    this.#worker = worker;
    this.#reader = reader;
    this.#rows = new RowCache(reader);
    this.#lock = lock;
    this.#state = state;
    this.#told = told;
    worker.on('message', (message: FromWorker) => this.#onMessage(message));
    worker.on('error', (error: Error) => this.#fail(error));
    worker.on('exit', () => this.#fail(new Error('the database thread ended')));
  }

  get head(): Head {
    return this.#state.head;
  }

  get problem(): string {
    return this.#state.problem;
  }

  write(change: Change): Promise<void> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    if (this.#waiting.size >= MOST_WAITING)
      return Promise.reject(new Refused('Busy', `${MOST_WAITING} changes wait for the disk`));
    const id = ++this.#lastId;
    // Changes of one turn of the event loop cross together.
    if (this.#batch.length === 0) setImmediate(() => this.#flush());
    this.#batch.push({ id, change: unpooled(change) });
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { change, resolve, reject });
    });
  }

  load(): Snapshot {
    return this.#reader.load();
  }

  ledgerRows(): Iterable<LedgerRow> {
    return this.#reader.ledgerRows();
  }

  request(digest: string): RequestRow | undefined {
    return this.#rows.request(digest);
  }

  requestById(initiator: string, id: string): RequestRow | undefined {
    return this.#rows.requestById(initiator, id);
  }

  ledger(digest: string): LedgerRow | undefined {
    return this.#rows.ledger(digest);
  }

  releasesAfter(sequence: bigint, limit: number): readonly SpendRow[] {
    return this.#rows.releasesAfter(sequence, limit);
  }

  auditAfter(sequence: bigint, limit: number): readonly AuditRecord[] {
    return this.#reader.auditAfter(sequence, limit);
  }

  /** Writes what waits, then gives the folder free. */
  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#flush();
    const exited = this.#ended === undefined ? once(this.#worker, 'exit') : this.#worker.terminate();
    this.#ended ??= new Error("the signer's state is closed");
    // Who waits for a change looks things up once it is on disk.
    while (this.#waiting.size > 0) await Promise.race([once(this.#worker, 'message'), exited]);
    await nextTurn();
    // Before the writer: the connection that closes last puts the log back into the database, and must be able to write.
    this.#reader.close();
    this.#post('close');
    await exited;
    this.#lock.release();
  }

  #flush(): void {
    const batch = this.#batch;
    this.#batch = [];
    if (batch.length > 0) this.#post(batch);
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #onMessage(message: FromWorker): void {
    switch (message.kind) {
      case 'written':
        if (message.problem !== this.#state.problem) this.#told.onProblem(message.problem);
        this.#state = { head: message.head, problem: message.problem };
        for (const { id, error, reason } of message.results) {
          const waiting = this.#waiting.get(id);
          this.#waiting.delete(id);
          if (waiting !== undefined) this.#rows.forget(waiting.change);
          if (error === '') waiting?.resolve();
          else waiting?.reject(reason === undefined ? new Error(error) : new Refused(reason, error));
        }
        return;
      case 'broken':
        return this.#fail(new UserError(message.message, message.hints));
      case 'opened':
        return this.#fail(new Error('the database thread opened twice'));
    }
  }

  /** Nothing can be written any more; silent after `close`. */
  #fail(error: Error): void {
    const unexpected = this.#ended === undefined;
    this.#ended ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
    if (unexpected) this.#told.onFailure(error);
  }
}

/** `change` with bytes of its own: a message to a thread carries the whole buffer that a view is of. */
function unpooled(change: Change): Change {
  const own = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes);
  const { meta, keys, requests, peers, pruneAudit, ...rest } = change;
  return {
    ...rest,
    ...(meta && { meta: Object.fromEntries(Object.entries(meta).map(([name, value]) => [name, own(value)])) }),
    ...(pruneAudit && { pruneAudit: { ...pruneAudit, hash: own(pruneAudit.hash) } }),
    ...(keys && { keys: keys.map((k) => ({ ...k, sealed: own(k.sealed), certificate: own(k.certificate) })) }),
    ...(requests && {
      requests: requests.map((r) => ({ ...r, statement: own(r.statement), signatures: r.signatures.map(own) })),
    }),
    ...(peers && {
      peers: peers.map((p) => ({
        ...p,
        head: { ...p.head, hash: own(p.head.hash) },
        signed: p.signed && {
          head: { ...p.signed.head, hash: own(p.signed.head.hash) },
          signature: own(p.signed.signature),
        },
      })),
    }),
  };
}
