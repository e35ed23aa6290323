import { statfsSync } from 'node:fs';

/** Bytes free to this user on the disk of `folder`; NaN where the system does not say. */
export function freeBytes(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return Number.NaN;
  }
}
