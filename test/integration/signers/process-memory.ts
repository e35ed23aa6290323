import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import type { Search } from './canary.ts';

const CHUNK = 64 << 10;
const PAGE = 4096;
/** More than the longest form that is looked for: what begins in one chunk may end in the next. */
const OVERLAP = 512;
/** Most of what a process reserves was never written to. */
const nothing = Buffer.alloc(CHUNK);

/**
 * What `search` finds in the memory of process `pid` that it can write to, heaps, stacks and buffers, and how many bytes
 * of that are not nothing. Of the caller's own children, or as root. Linux (proc(5)).
 */
export function findInMemory(
  pid: number,
  search: Search,
): { readonly found: readonly string[]; readonly bytes: number } {
  const mem = openSync(`/proc/${pid}/mem`, 'r');
  const buffer = Buffer.alloc(CHUNK + OVERLAP);
  const found = new Set<string>();
  let bytes = 0;
  try {
    for (const [from, to] of writable(pid))
      for (let at = from; at < to; at += CHUNK) {
        const read = Math.min(buffer.length, to - at);
        readPages(mem, buffer, read, at);
        const chunk = buffer.subarray(0, Math.min(read, CHUNK));
        if (chunk.equals(nothing.subarray(0, chunk.length))) continue;
        bytes += chunk.length;
        for (const each of search(buffer.subarray(0, read))) found.add(each);
      }
  } finally {
    buffer.fill(0);
    closeSync(mem);
  }
  return { found: [...found], bytes };
}

function writable(pid: number): readonly (readonly [from: number, to: number])[] {
  return readFileSync(`/proc/${pid}/maps`, 'latin1')
    .split('\n')
    .flatMap((line) => {
      const [, from, to] = /^([0-9a-f]{1,13})-([0-9a-f]{1,13}) rw/.exec(line) ?? [];
      return from === undefined || to === undefined ? [] : [[parseInt(from, 16), parseInt(to, 16)] as const];
    });
}

/** Reads on where it comes short; a page that cannot be read, or has gone, is nothing. */
function readPages(fd: number, buffer: Buffer, length: number, position: number): void {
  buffer.fill(0);
  for (let done = 0; done < length;)
    try {
      const read = readSync(fd, buffer, done, length - done, position + done);
      done += read > 0 ? read : PAGE;
    } catch {
      done += PAGE - ((position + done) % PAGE);
    }
}

/** KiB of process `pid` that are swapped out. */
export const swappedKiB = (pid: number): number =>
  Number(/^VmSwap:\s+([0-9]+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? Number.NaN);
