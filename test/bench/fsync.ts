import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { median } from './percentiles.ts';

/** Median of a 4 KiB append made durable by fdatasync, in ms, on the disk of `folder`. */
export function measureFsync(folder: string, times = 200): number {
  const own = mkdtempSync(join(folder, 'fsync-'));
  const file = openSync(join(own, 'probe'), 'a');
  try {
    const page = Buffer.alloc(4096, 0x5a);
    const sample = Array.from({ length: times }, () => {
      const start = performance.now();
      writeSync(file, page);
      fdatasyncSync(file);
      return performance.now() - start;
    });
    return median(sample);
  } finally {
    closeSync(file);
    rmSync(own, { recursive: true });
  }
}
