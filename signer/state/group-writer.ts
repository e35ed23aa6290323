import { join } from 'node:path';
import { Refused } from '../../common/errors.ts';
import { type Applied, Database } from './database.ts';
import { ownFile } from './folder-lock.ts';
import { SpaceReserve } from './space-reserve.ts';
import { isDiskFull } from './sqlite-fault.ts';
import type { Change, Head } from './store.ts';

/** A signer's state in `folder`: its database, and room on the disk for what must be written even when that is full. */
export type WriterOptions = { readonly folder: string; readonly reserveBytes: number };

export const databaseFile = (folder: string): string => join(folder, 'state.db');

const MIB = 1024 * 1024;

/** Seconds of a clock that never steps. */
const seconds = (): number => performance.now() / 1000;

/** Writes groups of changes; with a full disk only those that must fit. */
export class GroupWriter {
  readonly #database: Database;
  readonly #reserve: SpaceReserve;
  readonly #reserveBytes: number;

  constructor({ folder, reserveBytes }: WriterOptions) {
    const file = databaseFile(folder);
    this.#reserveBytes = reserveBytes;
    this.#reserve = new SpaceReserve(join(folder, 'reserve'), reserveBytes);
    ownFile(file);
    this.#database = this.#withRoom(
      () => new Database(file),
      () => new Database(file),
    );
    this.#reserve.hold(seconds());
  }

  get head(): Head {
    return this.#database.head;
  }

  /** Why only spends and bans are written now, or "". */
  get problem(): string {
    if (this.#reserve.held) return '';
    return `the disk of its state is full: it signs again once ${(2 * this.#reserveBytes) / MIB} MiB are free there`;
  }

  /** Looks for room where there was none. */
  look(): void {
    this.#reserve.hold(seconds());
  }

  /** How each change fared. Throws where the database can no longer be trusted to say. */
  write(changes: readonly Change[]): Applied {
    return this.#reserve.hold(seconds())
      ? this.#withRoom(
          () => this.#database.apply(changes),
          () => this.#writeWhatMustFit(changes),
        )
      : this.#writeWhatMustFit(changes);
  }

  close(): void {
    this.#database.close();
  }

  /** Runs `run`; where the disk is full, frees the reserve and runs `instead`. */
  #withRoom<T>(run: () => T, instead: () => T): T {
    try {
      return run();
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      this.#reserve.release();
      return instead();
    }
  }

  #writeWhatMustFit(changes: readonly Change[]): Applied {
    const refused = new Refused('StorageFull', this.problem);
    const fitting = changes.filter(mustFit);
    let applied: Applied;
    try {
      applied = fitting.length === 0 ? [] : this.#database.apply(fitting);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      return changes.map(() => refused);
    }
    const results = new Map(fitting.map((change, i) => [change, applied[i]]));
    return changes.map((change) => (results.has(change) ? results.get(change) : refused));
  }
}

/**
 * Spends that others' shares or our own already made, signatures and bans. Not a release of new shares, which
 * consumes nonces: without space this holder refuses to sign.
 */
const mustFit = (change: Change): boolean =>
  (change.nonces ?? []).length === 0 &&
  ((change.ledger ?? []).some((row) => row.state === 'Spent') ||
    (change.releases ?? []).length > 0 ||
    (change.requests ?? []).some((row) => row.state === 'Signed') ||
    (change.bans ?? []).length > 0 ||
    (change.peers ?? []).some((row) => row.fenced !== ''));
