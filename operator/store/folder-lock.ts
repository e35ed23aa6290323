import { closeSync, existsSync, openSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { formatTime } from '../../common/clock.ts';
import { messageOf, UserError } from '../../common/errors.ts';
import { isObject } from '../api/check-schema.ts';

export type FolderLock = { release(): Promise<void> };

/** The process that has a state folder open. */
export type Owner = { readonly pid: number };

/**
 * Takes a state folder for this process alone: a transaction held open in a database, whose lock the system ends with
 * the process, however that ends and whoever has its number then. Throws a UserError at once where another process has it.
 */
export async function lockFolder(state: string): Promise<FolderLock> {
  const file = join(state, 'lock');
  let db: DatabaseSync | undefined;
  try {
    // Opening and closing a file that is there would end the locks that this process has on it (POSIX fcntl).
    if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600));
    db = new DatabaseSync(file, { timeout: 0 });
    // Nothing is ever written, so that a full disk keeps nobody from starting.
    db.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    db?.close();
    throw isBusy(error)
      ? await inUse(state)
      : new UserError(`cannot lock ${file}: ${messageOf(error)}`, [
          'delete the file if no Holdfast operator runs on this folder',
        ]);
  }
  const owner = JSON.stringify({ pid: process.pid, start: await startOf(process.pid), since: formatTime(Date.now()) });
  // Only for messages: the lock is what counts.
  await writeFile(ownerFile(state), `${owner}\n`, { mode: 0o600 }).catch(() => {});
  return {
    async release() {
      await rm(ownerFile(state), { force: true }).catch(() => {});
      if (db?.isOpen) db.close();
    },
  };
}

/** Who has the folder open, as far as is known; undefined where nobody has. */
export async function ownerOf(state: string): Promise<Owner | undefined> {
  try {
    const owner: unknown = JSON.parse(await readFile(ownerFile(state), 'utf8'));
    if (!isObject(owner) || !Number.isSafeInteger(owner['pid'])) return undefined;
    const pid = Number(owner['pid']);
    process.kill(pid, 0);
    // Another process may have the number by now.
    return (await startOf(pid)) === owner['start'] ? { pid } : undefined;
  } catch {
    return undefined;
  }
}

async function inUse(state: string): Promise<UserError> {
  const owner = await ownerOf(state);
  return new UserError(`another Holdfast operator${owner ? `, process ${owner.pid},` : ''} has ${state} open`, [
    `end that one first${owner ? ` (kill ${owner.pid})` : ''}, or use a folder of its own: a folder has one operator`,
  ]);
}

/** When a process started, in the kernel's own measure, as text; "" where that is not to be had. */
const startOf = (pid: number): Promise<string> =>
  readFile(`/proc/${pid}/stat`, 'utf8').then(
    // The name before it may contain anything, parentheses too.
    (text) => text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '',
    () => '',
  );

const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === 5;

const ownerFile = (state: string): string => join(state, 'owner.json');
