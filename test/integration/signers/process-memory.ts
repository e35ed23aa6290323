import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

const CHUNK = 16 << 20;
const PAGE = 4096;

/** How often each of `secrets` lies in the writable memory of a process, which may be read by its parent or root only. */
export function occurrences(pid: number, secrets: readonly Uint8Array[]): number[] {
  const counts = secrets.map(() => 0);
  const longest = Math.max(...secrets.map((secret) => secret.length));
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
      const [, from = '', to = ''] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
      if (from === '') continue;
      const end = Number.parseInt(to, 16);
      for (let at = Number.parseInt(from, 16); at < end; at += CHUNK) {
        // Over the chunk's end, so that nothing is missed between two.
        const bytes = Buffer.alloc(Math.min(CHUNK + longest - 1, end - at));
        readAll(memory, bytes, at);
        for (const [i, secret] of secrets.entries())
          for (let found = bytes.indexOf(secret); found >= 0 && found < CHUNK;)
            [counts[i], found] = [(counts[i] ?? 0) + 1, bytes.indexOf(secret, found + 1)];
      }
    }
    return counts;
  } finally {
    closeSync(memory);
  }
}

/** Reads on where it comes short; a page that cannot be read, or has gone, stays zeros. */
function readAll(memory: number, bytes: Buffer, at: number): void {
  for (let done = 0; done < bytes.length;)
    try {
      const length = readSync(memory, bytes, done, bytes.length - done, at + done);
      done += length > 0 ? length : PAGE;
    } catch {
      done += PAGE - ((at + done) % PAGE);
    }
}
