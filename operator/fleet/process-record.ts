import { readFile, stat } from 'node:fs/promises';
import type { ProcessIdentity } from './process-identity.ts';
import { writeAtomically, unlessMissing } from '../atomic-file.ts';

export type Ports = { readonly sign: number; readonly peer: number; readonly metrics: number };

/** What the next operator needs to know of a signer's process: `process.json`. */
export type ProcessRecord = {
  /** The last one that was started; undefined once the signer was removed and its state kept. */
  readonly process: ProcessIdentity | undefined;
  /** Digest of all that it was started with but its ports; of zeros where that is not known. */
  readonly spec: string;
  readonly ports: Ports;
  readonly restarts: number;
};

const MOST_BYTES = 4096;
export const unknownSpec = `sha256:${'0'.repeat(64)}`;

/** Undefined where there is no such file; throws where it does not hold a record. */
export async function readRecord(file: string): Promise<ProcessRecord | undefined> {
  const size = (await unlessMissing(stat(file)))?.size;
  if (size === undefined) return undefined;
  if (size > MOST_BYTES) throw new Error(`${file}: want at most ${MOST_BYTES} bytes, got ${size}`);
  try {
    return decode(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    throw new Error(`${file}: is not the record of a signer's process`, { cause: error });
  }
}

export const writeRecord = (file: string, { process, spec, ports, restarts }: ProcessRecord): Promise<void> =>
  writeAtomically(
    file,
    Buffer.from(`${JSON.stringify({ process: process ?? null, spec, ports, restarts }, undefined, 2)}\n`),
  );

function decode(value: unknown): ProcessRecord {
  const { process, spec, ports, restarts } = members(value);
  return {
    process: process === null ? undefined : decodeProcess(members(process)),
    spec: text(spec, /^sha256:[0-9a-f]{64}$/),
    ports: decodePorts(members(ports)),
    restarts: whole(restarts, 0, Number.MAX_SAFE_INTEGER),
  };
}

const decodeProcess = ({ pid, started }: Members): ProcessIdentity => ({
  // 0 and below would signal whole groups, and 1 is init.
  pid: whole(pid, 2, 2 ** 31 - 1),
  started: text(started, /^[-0-9a-f]{36}\/[0-9]+$/),
});

const decodePorts = ({ sign, peer, metrics }: Members): Ports => ({
  sign: whole(sign, 1, 65_535),
  peer: whole(peer, 1, 65_535),
  metrics: whole(metrics, 1, 65_535),
});

type Members = Readonly<Record<string, unknown>>;

function members(value: unknown): Members {
  if (typeof value !== 'object' || value === null) throw new Error('want an object');
  return Object.fromEntries(Object.entries(value));
}

function whole(value: unknown, least: number, most: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most)
    throw new Error(`want a whole number from ${least} to ${most}`);
  return value;
}

function text(value: unknown, pattern: RegExp): string {
  if (typeof value !== 'string' || !pattern.test(value)) throw new Error(`want text like ${pattern.source}`);
  return value;
}
