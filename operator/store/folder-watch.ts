import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { stat } from 'node:fs/promises';

type Watched = { readonly watcher: FSWatcher; readonly id: string };

/**
 * Calls `onChange` when an entry of one of the folders changes, as far as the system says so: watches are limited in
 * number, silent on some file systems and for files behind links, so that whoever uses this looks now and then as well.
 */
export class FolderWatch {
  readonly #onChange: () => void;
  readonly #watched = new Map<string, Watched>();

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Watches exactly these folders from now on; true where one is new, in which something may have changed before. */
  async update(folders: readonly string[]): Promise<boolean> {
    for (const [folder, { watcher }] of this.#watched)
      if (!folders.includes(folder)) {
        watcher.close();
        this.#watched.delete(folder);
      }
    const fresh = await Promise.all(folders.map((folder) => this.#watch(folder)));
    return fresh.includes(true);
  }

  close(): void {
    for (const { watcher } of this.#watched.values()) watcher.close();
    this.#watched.clear();
  }

  async #watch(folder: string): Promise<boolean> {
    try {
      const { dev, ino } = await stat(folder, { bigint: true });
      const id = `${dev} ${ino}`;
      const known = this.#watched.get(folder);
      // A watch stays with its folder when another takes that one's place.
      if (known?.id === id) return false;
      known?.watcher.close();
      this.#watched.delete(folder);
      const watcher = watch(folder, () => this.#onChange());
      watcher.on('error', () => {
        watcher.close();
        if (this.#watched.get(folder)?.watcher === watcher) this.#watched.delete(folder);
      });
      this.#watched.set(folder, { watcher, id });
      return true;
    } catch {
      // Gone meanwhile, or no watch to be had.
      return false;
    }
  }
}
