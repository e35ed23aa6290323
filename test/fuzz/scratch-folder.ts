import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const made: string[] = [];

/** A new folder that goes with the process, or with {@link removeScratchFolders}. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-fuzz-'));
  made.push(folder);
  return folder;
}

/** For test runners, which end their workers without a word. */
export const removeScratchFolders = (): void => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
};

process.once('exit', removeScratchFolders);
