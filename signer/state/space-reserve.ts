import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Seconds between two looks for free space while there is none. */
const LOOK_EVERY = 1;
const CHUNK = 1 << 20;

/**
 * Room on the disk that only spends and bans may use: a file of that size, deleted when the disk is full and made anew
 * when there is twice its size again, so that the signer does not go back and forth at the edge.
 */
export class SpaceReserve {
  readonly #file: string;
  readonly #bytes: number;
  #held: boolean;
  #looked = Number.NEGATIVE_INFINITY;

  constructor(file: string, bytes: number) {
    this.#file = file;
    this.#bytes = bytes;
    this.#held = statSync(file, { throwIfNoEntry: false })?.size === bytes;
  }

  get held(): boolean {
    return this.#held;
  }

  /** True while the room is there; looks for it anew now and then where it is not. `seconds` on a clock that never steps. */
  hold(seconds: number): boolean {
    if (this.#held || seconds < this.#looked + LOOK_EVERY) return this.#held;
    this.#looked = seconds;
    this.#held = this.#free() >= 2 * this.#bytes && this.#fill();
    return this.#held;
  }

  /** Gives the room back to the disk. */
  release(): void {
    rmSync(this.#file, { force: true });
    this.#held = false;
  }

  #free(): number {
    const { bavail, bsize } = statfsSync(dirname(this.#file));
    return bavail * bsize;
  }

  /**
   * Random bytes: a file system that compresses or leaves out zeros would keep no room for them. O_SYNC, since one that
   * allocates late must do it now, and Node has no fsync under --permission.
   */
  #fill(): boolean {
    const { O_WRONLY, O_CREAT, O_TRUNC, O_SYNC } = constants;
    let handle: number | undefined;
    try {
      handle = openSync(this.#file, O_WRONLY | O_CREAT | O_TRUNC | O_SYNC, 0o600);
      for (let left = this.#bytes; left > 0;) left -= writeSync(handle, randomBytes(Math.min(CHUNK, left)));
      return true;
    } catch {
      // Someone else took the space meanwhile.
      rmSync(this.#file, { force: true });
      return false;
    } finally {
      if (handle !== undefined) closeSync(handle);
    }
  }
}
