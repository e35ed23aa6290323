import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fromHex } from '../../common/bytes.ts';
import { messageOf, UserError } from '../../common/errors.ts';
import { auditMembers } from '../../statement/audit.ts';
import type { AuditRecord, Head } from '../../statement/audit.ts';
import type { VerifiedConnection } from '../connection.ts';
import type { AuditLog, MissingLog } from './audit-log.ts';
import { MOST_LINE_BYTES, recordOfLine } from './export-lines.ts';
import { readManifest, segmentFile, walletOf } from './export-manifest.ts';
import type { ExportedHead, ExportedHolder, ExportedSegment, ExportManifest } from './export-manifest.ts';
import { DamagedLog } from './followed-log.ts';

export type ExportedLogs = {
  readonly manifest: ExportManifest;
  readonly wallet: VerifiedConnection;
  readonly logs: readonly AuditLog[];
  /** Holders of genesis that are not in it. */
  readonly missing: readonly MissingLog[];
};

/** Opens a finished export; throws a UserError that says what is missing where it is not whole. */
export async function openExport(folder: string): Promise<ExportedLogs> {
  const manifest = await readManifest(folder);
  if (manifest === undefined)
    throw new UserError(`${folder}: is no export: it has no manifest.json`, [
      'holdfast audit export --help shows how to make one',
    ]);
  for (const holder of manifest.holders) await checkWhole(folder, holder);
  const wallet = walletOf(manifest);
  return {
    manifest,
    wallet,
    logs: manifest.holders.map((holder) => exportedLog(folder, holder)),
    missing: wallet.statement.holders
      .filter(({ name }) => manifest.holders.every((holder) => holder.name !== name))
      .map(({ name }) => ({ holder: name, missing: 'its log is not in the export' })),
  };
}

async function checkWhole(folder: string, { name, finished, head, segments }: ExportedHolder): Promise<void> {
  const half = (what: string): never => {
    throw new UserError(`${join(folder, name)}: the export is not whole: ${what}`, [
      'run holdfast audit export into the same folder again: it goes on where it stopped',
    ]);
  };
  const last = segments.at(-1)?.last ?? '0';
  if (finished !== 'true' || BigInt(last) < BigInt(head.sequence))
    half(`it ends with record ${last} of ${head.sequence}`);
  const files = await readdir(join(folder, name)).catch(() => []);
  const part = files.find((file) => file.endsWith('.part'));
  if (part !== undefined) half(`${part} was not written to its end`);
  for (const { first, bytes } of segments) {
    const file = segmentFile(folder, name, first);
    const size = await stat(file).then(
      (found) => found.size,
      (error: unknown) => half(messageOf(error)),
    );
    if (String(size) !== bytes) half(`${file} has ${size} bytes, want ${bytes}`);
  }
}

const headOf = ({ sequence, hash }: ExportedHead): Head => ({ sequence: BigInt(sequence), hash: hashOf(hash) });
const hashOf = (text: string): Uint8Array => fromHex(text.slice('sha256:'.length));

function exportedLog(folder: string, holder: ExportedHolder): AuditLog {
  return {
    holder: holder.name,
    asOf: Date.parse(holder.readAt),
    head: headOf(holder.head),
    remembered: holder.remembered.map((each) => ({
      holder: each.holder,
      head: headOf(each),
      signature: fromHex(each.signature),
    })),
    async *records(signal) {
      for (const segment of holder.segments) yield* segmentRecords(folder, holder.name, segment, signal);
    },
  };
}

/** The records of one file. Throws after the last where the file is not the one that was written. */
export async function* segmentRecords(
  folder: string,
  holder: string,
  { first, last, hash, sha256 }: ExportedSegment,
  signal: AbortSignal,
): AsyncGenerator<AuditRecord, void, undefined> {
  const file = segmentFile(folder, holder, first);
  const digest = createHash('sha256');
  let next = BigInt(first);
  let end: Uint8Array = new Uint8Array();
  for await (const line of lines(file, digest, signal)) {
    const record = recordOfLine(line, next++);
    end = record.hash;
    yield record;
  }
  if (next !== BigInt(last) + 1n)
    throw new DamagedLog(next, `is not in ${file}, which the manifest says holds ${first} to ${last}`);
  if (Buffer.compare(end, hashOf(hash)) !== 0)
    throw new DamagedLog(BigInt(last), `ends ${file} and has another hash than the manifest says`);
  if (`sha256:${digest.digest('hex')}` !== sha256)
    throw new DamagedLog(BigInt(first), `begins ${file}, whose SHA-256 is not the one in the manifest`);
}

/** The lines of a file, in bytes and without their newlines; `digest` gets all of it. */
async function* lines(
  file: string,
  digest: { update(data: Uint8Array): unknown },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  let rest: Buffer = Buffer.of();
  for await (const chunk of createReadStream(file, { signal })) {
    digest.update(chunk as Buffer);
    let from = 0;
    const text = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer]);
    for (let end = text.indexOf(10); end !== -1; end = text.indexOf(10, from)) {
      yield text.subarray(from, end);
      from = end + 1;
    }
    rest = text.subarray(from);
    if (rest.length > MOST_LINE_BYTES) break;
  }
  // A line that was cut short is still a line: the chain says that it is not the record's.
  if (rest.length > 0) yield rest;
}

function kindOf({ record }: AuditRecord): string {
  try {
    return auditMembers(record)['type'] ?? '';
  } catch {
    return '';
  }
}

/**
 * A log with the bodies that it has pruned taken from an export of it. Where the two do not have the same records the
 * first that differs ends it: one of them was rewritten.
 */
export function withExport(log: AuditLog, exported: AuditLog): AuditLog {
  return {
    ...log,
    async *records(signal) {
      const kept = exported.records(signal)[Symbol.asyncIterator]();
      try {
        let last = 0n;
        for await (const record of log.records(signal)) {
          last = record.sequence;
          const next = await kept.next();
          if (next.done === true || next.value.sequence !== last) yield record;
          else if (Buffer.compare(next.value.hash, record.hash) !== 0)
            throw new DamagedLog(last, 'has another hash than in the export', kindOf(next.value));
          else yield record.record.length > 0 ? record : next.value;
        }
        const more = await kept.next();
        if (more.done !== true)
          throw new DamagedLog(more.value.sequence, 'is missing: the export has it', kindOf(more.value));
      } finally {
        await kept.return?.();
      }
    },
  };
}
