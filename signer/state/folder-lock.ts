import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { messageOf, UserError } from '../../common/errors.ts';
import { isBusy } from './sqlite-fault.ts';

export type FolderLock = { release(): void };

/**
 * Makes `folder` where it is missing and takes it for this process alone: a transaction held open in a database of its
 * own, whose lock the system ends with the process, however that ends. Throws at once where another process has it.
 */
export function lockFolder(folder: string): FolderLock {
  makeFolder(folder);
  const file = join(folder, 'lock.db');
  let db: DatabaseSync | undefined;
  try {
    // SQLite opens files of a read-only disk all the same, for reading: a signer would be ready and able to do nothing.
    accessSync(folder, constants.W_OK);
    ownFile(file);
    db = new DatabaseSync(file, { timeout: 0 });
    // Nothing is ever written, so that a full disk keeps no signer from starting.
    db.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return { release: () => db?.close() };
  } catch (error) {
    db?.close();
    if (isBusy(error))
      throw new UserError(`the state folder ${folder} is in use by another signer process`, [
        'end that process first, or give this signer a folder of its own: one folder is one signer',
      ]);
    throw new UserError(`cannot lock the state folder ${folder}: ${messageOf(error)}`, [
      'the folder and the files in it must be writable for the user that the signer runs as',
    ]);
  }
}

/**
 * Makes `file`, readable and writable for this user alone, where it is missing; SQLite's other files take after it. One
 * that is there is never opened: closing it again would end the locks that this process has on it (POSIX fcntl).
 */
export function ownFile(file: string): void {
  if (!existsSync(file)) closeSync(openSync(file, 'wx', 0o600));
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new UserError(`cannot make the state folder ${folder}: ${messageOf(error)}`, [
      'name a folder on a disk that the signer may write to',
    ]);
  }
}
