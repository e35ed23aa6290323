import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Replaces `path` by `data`, or makes it, for this user alone: after a crash at any moment it is the old file or the
 * new one. `scratch` is a folder on the same file system, where files of unfinished writes may remain; without it they
 * remain beside `path`, one at most, and only one write of a path may be under way.
 */
export async function writeAtomically(path: string, data: string | Uint8Array, scratch?: string): Promise<void> {
  const temporary = scratch === undefined ? `${path}.new` : join(scratch, randomUUID());
  try {
    const file = await open(temporary, scratch === undefined ? 'w' : 'wx', 0o600);
    try {
      await file.chmod(0o600);
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    const made = await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await rename(temporary, path);
    // A new folder's own entry has to last as well.
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      await syncFolder(folder);
      if (made === undefined || folder === dirname(made)) break;
    }
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Deletes a file or folder, durably; nothing happens where none is. */
export async function removeDurably(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
  await syncFolder(dirname(path)).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Whether an error of the file system says that there is no such file. */
export const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

/** What a file operation gives; undefined where the file is not there. A file in the place of a folder is an error. */
export const unlessMissing = <T>(operation: Promise<T>): Promise<T | undefined> =>
  operation.catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
