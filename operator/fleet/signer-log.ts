import { open, stat, truncate } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { writeAtomically } from '../atomic-file.ts';

/** A log of this size is moved to `<file>.1`. */
const MOST_BYTES = 4 << 20;
/** Where a process says why it ends is in the last lines. */
const TAIL_BYTES = 16 << 10;
const MOST_CHARACTERS = 300;

/** Opened to append, so that a process that has it goes on at the new end after it was truncated. */
export async function openLog(file: string): Promise<FileHandle> {
  return open(file, 'a', 0o600);
}

export const sizeOf = async (file: string): Promise<number> => (await stat(file)).size;

/**
 * Moves a log that became too large aside: its end is copied, then it is truncated under the process that writes it.
 * Lines written in between are lost. True where it was.
 */
export async function rotateLog(file: string, most = MOST_BYTES): Promise<boolean> {
  const size = await sizeOf(file);
  if (size <= most) return false;
  await writeAtomically(`${file}.1`, await readFrom(file, size - most, most));
  await truncate(file, 0);
  return true;
}

/**
 * What a log says from byte `start` on about the end of who wrote it: the error that comes last of its entries, or what
 * follows the last entry otherwise; one line for a person, "" where there is neither.
 */
export async function lastWords(file: string, start: number): Promise<string> {
  const size = await sizeOf(file);
  const from = Math.max(start <= size ? start : 0, size - TAIL_BYTES);
  const lines = Buffer.from(await readFrom(file, from, TAIL_BYTES))
    .toString()
    .split('\n')
    .filter((line) => line.trim() !== '')
    .toReversed();
  const last = lines.findIndex(isEntry);
  const after = last === -1 ? lines : lines.slice(0, last + 1);
  const said = after.map(errorOf).find((error) => error !== undefined) ?? after.find((each) => !isEntry(each)) ?? '';
  const line = said.replaceAll(/[\p{C}\s]+/gu, ' ').trim();
  return line.length > MOST_CHARACTERS ? `${line.slice(0, MOST_CHARACTERS)}...` : line;
}

const isEntry = (line: string): boolean => line.startsWith('{"time":');

/** What a line says if it is about an error: an entry of a Log, a line for a person, or an exception that Node prints. */
function errorOf(line: string): string | undefined {
  if (!line.startsWith('{')) return /^(?:error|FATAL ERROR|[A-Za-z]*Error(?: \[\w+\])?): (.*)$/.exec(line)?.[1];
  try {
    const entry: unknown = JSON.parse(line);
    if (typeof entry !== 'object' || entry === null) return undefined;
    const { level, message, error }: { level?: unknown; message?: unknown; error?: unknown } = entry;
    if (level !== 'error' || typeof message !== 'string') return undefined;
    return typeof error === 'string' ? `${message}: ${error}` : message;
  } catch {
    return undefined;
  }
}

async function readFrom(file: string, position: number, length: number): Promise<Uint8Array> {
  const handle = await open(file, 'r');
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
