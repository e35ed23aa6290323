import { constants } from 'node:fs';
import { lstat, open, readdir, realpath, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { messageOf } from '../../common/errors.ts';
import { isMissing } from '../atomic-file.ts';
import { maxManifestBytes, readManifests, settling, unreadable } from './manifest.ts';
import type { Reading } from './manifest.ts';

const maxFiles = 2000;
const maxFolders = 1000;
const maxDepth = 16;

export type Scan = {
  readonly readings: readonly Reading[];
  /** The folders that were looked into, to be watched. */
  readonly folders: readonly string[];
  /** Whether a folder could not be read, so that files may be there which are not in `readings`. */
  readonly partial: boolean;
  /** Whether a file was changed so recently that it may not be whole yet: look again. */
  readonly unsettled: boolean;
};

type Known = { readonly version: string; readonly reading: Reading };

/**
 * Reads the manifests under a folder, again only those that changed. Entries whose name begins with a dot are
 * skipped: our own state, version control, and the generations behind a mounted ConfigMap's links.
 */
export class FolderFiles {
  readonly #root: string;
  readonly #quietMs: number;
  readonly #skip: readonly string[];
  #rootId: string | undefined;
  #known = new Map<string, Known>();

  /** `skip` are folders that are not looked into, wherever they lie; a file changed within `quietMs` is not believed yet. */
  constructor(root: string, quietMs: number, skip: readonly string[] = []) {
    this.#root = root;
    this.#quietMs = quietMs;
    this.#skip = skip;
  }

  async scan(): Promise<Scan> {
    const { files, folders, failures } = await this.#walk();
    const known = new Map<string, Known>();
    let unsettled = false;
    for (const path of files) {
      const read = await this.#read(path);
      if (read === undefined) continue;
      if (read === 'unsettled') unsettled = true;
      known.set(
        path,
        read === 'unsettled' ? (this.#known.get(path) ?? { version: '', reading: settling(this.#name(path)) }) : read,
      );
    }
    this.#known = known;
    const readings = [...[...known.values()].map(({ reading }) => reading), ...failures];
    return { readings, folders, partial: failures.length > 0, unsettled };
  }

  async #walk(): Promise<{ files: readonly string[]; folders: readonly string[]; failures: readonly Reading[] }> {
    const files: string[] = [];
    const folders: string[] = [];
    const failures: Reading[] = [];
    const visited = new Set(await Promise.all(this.#skip.map((path) => realpath(path).catch(() => path))));
    const pending = [{ folder: this.#root, depth: 0 }];
    for (let next = pending.shift(); next; next = pending.shift()) {
      const { folder, depth } = next;
      try {
        if (depth > maxDepth) throw new Error(`is more than ${maxDepth} folders deep`);
        if (folders.length >= maxFolders) throw new Error(`is one folder too many: want at most ${maxFolders}`);
        if (depth === 0) await this.#checkRoot();
        const real = await realpath(folder);
        if (visited.has(real)) continue;
        visited.add(real);
        folders.push(folder);
        const entries = (await readdir(folder, { withFileTypes: true })).filter(({ name }) => !name.startsWith('.'));
        for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
          const path = join(folder, entry.name);
          if (entry.isDirectory() || (entry.isSymbolicLink() && (await isFolder(path))))
            pending.push({ folder: path, depth: depth + 1 });
          else if (/\.(?:ya?ml|json)$/.test(entry.name)) files.push(path);
        }
        if (files.length > maxFiles) throw new Error(`want at most ${maxFiles} manifests in the folder, found more`);
      } catch (error) {
        failures.push(unreadable(this.#name(folder), messageOf(error)));
        if (depth > maxDepth || folders.length >= maxFolders || files.length > maxFiles) break;
      }
    }
    return { files: files.slice(0, maxFiles), folders, failures };
  }

  /** Another folder at the same path, like the mount point of a disk that went away, says nothing about deletion. */
  async #checkRoot(): Promise<void> {
    const { dev, ino } = await stat(this.#root, { bigint: true });
    this.#rootId ??= `${dev} ${ino}`;
    if (this.#rootId !== `${dev} ${ino}`)
      throw new Error('the folder was replaced by another one: restart Holdfast if that is meant');
  }

  /** What a file says; undefined where it has gone meanwhile. */
  async #read(path: string): Promise<Known | 'unsettled' | undefined> {
    const file = this.#name(path);
    const refused = (message: string): Known => ({ version: '', reading: unreadable(file, message) });
    try {
      const before = await versionOf(stat(path, { bigint: true }));
      if (!before.regular) return refused('is not a regular file');
      const known = this.#known.get(path);
      if (known && known.version !== '' && known.version === before.version) return known;
      if (Math.abs(Date.now() - before.mtimeMs) < this.#quietMs) return 'unsettled';
      // Another file may be here by now, even a pipe, which would not let go of who opens it.
      const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        const bytes = await readUpTo(handle, Math.min(before.size, maxManifestBytes) + 1);
        const after = await versionOf(handle.stat({ bigint: true }));
        // Read in the middle of a write, a manifest can lack its end and be valid all the same.
        if (after.version !== before.version) return 'unsettled';
        return { version: before.version, reading: readManifests(file, bytes) };
      } finally {
        await handle.close();
      }
    } catch (error) {
      return isMissing(error) && !(await isLink(path)) ? undefined : refused(messageOf(error));
    }
  }

  #name(path: string): string {
    return relative(this.#root, path) || '.';
  }
}

async function versionOf(
  stats: Promise<{
    dev: bigint;
    ino: bigint;
    size: bigint;
    mtimeNs: bigint;
    ctimeNs: bigint;
    mtimeMs: bigint;
    isFile(): boolean;
  }>,
): Promise<{ readonly version: string; readonly size: number; readonly mtimeMs: number; readonly regular: boolean }> {
  const file = await stats;
  return {
    version: [file.dev, file.ino, file.size, file.mtimeNs, file.ctimeNs].join(' '),
    size: Number(file.size),
    mtimeMs: Number(file.mtimeMs),
    regular: file.isFile(),
  };
}

/** The file's bytes, at most `limit` of them. */
async function readUpTo(file: FileHandle, limit: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(limit);
  for (let length = 0; ;) {
    const { bytesRead } = await file.read(bytes, length, limit - length, null);
    length += bytesRead;
    if (bytesRead === 0 || length === limit) return bytes.slice(0, length);
  }
}

/** False also where a link leads nowhere. */
const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );

const isLink = (path: string): Promise<boolean> =>
  lstat(path).then(
    (entry) => entry.isSymbolicLink(),
    () => false,
  );
