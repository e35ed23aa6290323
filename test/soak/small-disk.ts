import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Room for a signer's reserve twice over, for its state, and no more. Bytes. */
const SIZE = 80 << 20;
const mounted = new Set<string>();

/** A disk of its own for one folder, of bounded size, that can be filled and made read-only. Needs to be root. */
export class SmallDisk {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    mount('-t', 'tmpfs', '-o', `size=${SIZE},mode=700`, 'none', folder);
    mounted.add(folder);
  }

  /** Leaves no byte free. */
  fill(): void {
    for (let size = SIZE, part = 0; size >= 512; part++)
      try {
        writeFileSync(this.#ballast(part), new Uint8Array(size));
      } catch {
        rmSync(this.#ballast(part), { force: true });
        size /= 2;
      }
  }

  free(): void {
    for (let part = 0; part < 64; part++) rmSync(this.#ballast(part), { force: true });
  }

  /** While nobody has a file of it open for writing. */
  setReadOnly(readOnly: boolean): void {
    mount('-o', `remount,${readOnly ? 'ro' : 'rw'}`, this.folder);
  }

  /** Gone with what is on it once nobody uses it. */
  close(): void {
    if (mounted.delete(this.folder)) spawnSync('umount', ['--lazy', this.folder]);
  }

  #ballast(part: number): string {
    return join(this.folder, `ballast-${part}`);
  }
}

process.on('exit', () => {
  for (const folder of mounted) spawnSync('umount', ['--lazy', folder]);
});

/** Why there can be no small disk here; "" where there can. */
export function noSmallDisks(): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-disk-'));
  try {
    new SmallDisk(folder).close();
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    rmdirSync(folder);
  }
}

function mount(...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync('mount', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`mount ${args.join(' ')}: ${error?.message ?? stderr.trim()}`);
}
