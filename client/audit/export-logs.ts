import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fromHex, hex } from '../../common/bytes.ts';
import { messageOf, UserError } from '../../common/errors.ts';
import { AuditChain, emptyHead, SEGMENT_RECORDS } from '../../statement/audit.ts';
import type { AuditRecord, Head } from '../../statement/audit.ts';
import type { VerifiedConnection } from '../connection.ts';
import type { AuditLog } from './audit-log.ts';
import { encodeManifest, manifestFile, readManifest, segmentFile } from './export-manifest.ts';
import type { ExportedHead, ExportedHolder, ExportedSegment, ExportManifest } from './export-manifest.ts';
import { lineOf } from './export-lines.ts';

/** A log of which only the end may be asked for. */
export type ResumableLog = AuditLog & { after(sequence: bigint, signal: AbortSignal): AsyncIterable<AuditRecord> };

export type ExportOptions = {
  readonly folder: string;
  readonly wallet: VerifiedConnection;
  readonly logs: readonly ResumableLog[];
  readonly signal: AbortSignal;
  /** Told when a file is there. */
  readonly onSegment?: (holder: string, last: bigint, of: bigint) => void;
};

const FLUSH_BYTES = 1 << 20;
const NEWLINE = Uint8Array.of(10);

/**
 * Writes logs to a folder, one file a holder and segment and a manifest, or goes on with an export that is there. A file
 * comes into being whole, and one that exists is only ever replaced by one that begins with it byte by byte. Throws a
 * UserError where the log no longer is the one that was exported.
 */
export async function exportLogs({ folder, wallet, logs, signal, onSegment }: ExportOptions): Promise<ExportManifest> {
  let manifest = await begin(folder, wallet);
  for (const log of logs) {
    const known = manifest.holders.find(({ name }) => name === log.holder);
    const keep = async (holder: ExportedHolder): Promise<void> => {
      const others = manifest.holders.filter(({ name }) => name !== holder.name);
      manifest = { ...manifest, holders: [...others, holder].toSorted((a, b) => (a.name < b.name ? -1 : 1)) };
      await replace(manifestFile(folder), encodeManifest(manifest));
    };
    await exportLog(folder, log, known?.segments ?? [], keep, onSegment, signal);
  }
  return manifest;
}

/** The manifest to go on with: a new one in a folder that is empty or not there, else the one that is there. */
async function begin(folder: string, wallet: VerifiedConnection): Promise<ExportManifest> {
  const { genesis, genesisStatement, certificates } = wallet;
  const known = await readManifest(folder);
  if (known !== undefined && known.genesis !== genesis)
    throw new UserError(
      `${folder}: is an export of wallet ${known.wallet} with genesis ${known.genesis}, want ${genesis}`,
      ['give another folder'],
    );
  if (known === undefined) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const found = (await readdir(folder)).find((file) => file !== 'manifest.json.part');
    if (found !== undefined)
      throw new UserError(`${folder}: is no export and has ${found} in it: nothing is written there`, [
        'give an empty folder, or one that does not exist',
      ]);
  }
  const format = 'holdfast/audit-export/v1';
  const manifest = {
    format,
    wallet: wallet.wallet,
    genesis,
    genesisStatement,
    certificates,
    holders: known?.holders ?? [],
  } as const;
  await replace(manifestFile(folder), encodeManifest(manifest));
  return manifest;
}

async function exportLog(
  folder: string,
  log: ResumableLog,
  segments: readonly ExportedSegment[],
  keep: (holder: ExportedHolder) => Promise<void>,
  onSegment: ExportOptions['onSegment'] = () => {},
  signal: AbortSignal,
): Promise<void> {
  const { holder: name, head, remembered, asOf } = log;
  const rewritten = (what: string): never => {
    throw new UserError(`holder ${name}: ${what}: the export is left as it is`, [
      'its log was rewritten or its state restored, or the export is of another: holdfast audit verify --help shows how to hold them against one another',
    ]);
  };
  const exported = BigInt(segments.at(-1)?.last ?? '0');
  if (exported > head.sequence) rewritten(`its signer names ${head.sequence} records, ${exported} were exported`);
  // The last file may not be of a whole segment: it is written anew, longer.
  const done = segments.filter(({ last }) => BigInt(last) % SEGMENT_RECORDS === 0n);
  for (const segment of done) await checkFile(folder, name, segment, signal);
  const state = (finished: 'true' | 'false', all: readonly ExportedSegment[]): ExportedHolder => ({
    name,
    readAt: new Date(asOf).toISOString(),
    finished,
    head: exportedHead(head),
    remembered: remembered.map(({ holder, head: each, signature }) => ({
      holder,
      ...exportedHead(each),
      signature: hex(signature),
    })),
    segments: all,
  });
  const written = [...done];
  const last = done.at(-1);
  const chain = new AuditChain(last === undefined ? emptyHead : headOf(last));
  await mkdir(join(folder, name), { recursive: true, mode: 0o700 });
  // Until it is finished, what is listed is what is there: also the end that is still to be replaced.
  await keep(state('false', segments));
  let file: SegmentFile | undefined;
  const end = async (): Promise<void> => {
    if (file === undefined) return;
    written.push(await file.finish(chain.head));
    file = undefined;
    await keep(state('false', written));
    onSegment(name, chain.head.sequence, head.sequence);
  };
  try {
    for await (const record of log.after(chain.head.sequence, signal)) {
      try {
        chain.add(record);
      } catch (error) {
        rewritten(messageOf(error));
      }
      file ??= await SegmentFile.create(folder, name, record.sequence);
      await file.add(record);
      // What came since is for the next run: a log that grows faster than it is read would never end.
      if (record.sequence >= head.sequence + SEGMENT_RECORDS) break;
      if (record.sequence % SEGMENT_RECORDS === 0n) await end();
    }
    await end();
  } finally {
    await file?.abandon();
  }
  if (chain.head.sequence < head.sequence)
    rewritten(`its signer names ${head.sequence} records and gives ${chain.head.sequence}`);
  await keep(state('true', written));
}

/** What is exported already is not fetched again: it must be there as it was written. */
async function checkFile(folder: string, holder: string, segment: ExportedSegment, signal: AbortSignal): Promise<void> {
  const file = segmentFile(folder, holder, segment.first);
  const digest = createHash('sha256');
  try {
    for await (const chunk of createReadStream(file, { signal })) digest.update(chunk as Buffer);
  } catch (error) {
    signal.throwIfAborted();
    throw new UserError(`${file}: cannot read: ${messageOf(error)}`);
  }
  if (`sha256:${digest.digest('hex')}` !== segment.sha256)
    throw new UserError(`${file}: was changed after it was exported: its SHA-256 is not the one in the manifest`, [
      'take an undamaged copy of the export, or make a new one in another folder',
    ]);
}

const exportedHead = ({ sequence, hash }: Head): ExportedHead => ({
  sequence: String(sequence),
  hash: `sha256:${hex(hash)}`,
});
const headOf = ({ last, hash }: ExportedSegment): Head => ({
  sequence: BigInt(last),
  hash: fromHex(hash.slice('sha256:'.length)),
});

/** A segment on its way to its file: under another name until all of it is on disk. */
class SegmentFile {
  readonly #file: string;
  readonly #first: bigint;
  readonly #handle: FileHandle;
  readonly #digest = createHash('sha256');
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #bytes = 0;
  #pruned = 0;

  private constructor(file: string, first: bigint, handle: FileHandle) {
    this.#file = file;
    this.#first = first;
    this.#handle = handle;
  }

  static async create(folder: string, holder: string, first: bigint): Promise<SegmentFile> {
    const file = segmentFile(folder, holder, String(first));
    return new SegmentFile(file, first, await open(`${file}.part`, 'w', 0o600));
  }

  async add(record: AuditRecord): Promise<void> {
    if (record.record.length === 0) this.#pruned++;
    for (const bytes of [lineOf(record), NEWLINE]) {
      this.#digest.update(bytes);
      this.#waiting.push(bytes);
      this.#waitingBytes += bytes.length;
    }
    if (this.#waitingBytes >= FLUSH_BYTES) await this.#flush();
  }

  async finish({ sequence, hash }: Head): Promise<ExportedSegment> {
    await this.#flush();
    await this.#handle.sync();
    await this.#handle.close();
    await this.#checkExtends();
    await rename(`${this.#file}.part`, this.#file);
    await syncFolder(dirname(this.#file));
    return {
      first: String(this.#first),
      last: String(sequence),
      hash: `sha256:${hex(hash)}`,
      bytes: String(this.#bytes),
      sha256: `sha256:${this.#digest.digest('hex')}`,
      pruned: String(this.#pruned),
    };
  }

  async abandon(): Promise<void> {
    await this.#handle.close().catch(() => {});
    await rm(`${this.#file}.part`, { force: true });
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#waiting);
    [this.#waiting, this.#waitingBytes] = [[], 0];
    await this.#handle.writeFile(bytes);
    this.#bytes += bytes.length;
  }

  /** What is there already must be the beginning of what takes its place. */
  async #checkExtends(): Promise<void> {
    const [old, next] = [await open(this.#file, 'r').catch(ifMissing), await open(`${this.#file}.part`, 'r')];
    try {
      const [a, b] = [Buffer.alloc(FLUSH_BYTES), Buffer.alloc(FLUSH_BYTES)];
      while (old !== undefined) {
        const { bytesRead } = await old.read(a);
        if (bytesRead === 0) return;
        const { bytesRead: same } = await next.read(b, 0, bytesRead);
        if (same < bytesRead || Buffer.compare(a.subarray(0, bytesRead), b.subarray(0, bytesRead)) !== 0)
          throw new UserError(`${this.#file} is not how its signer's log goes now: it is left as it is`, [
            'the log was rewritten, its bodies pruned, or the file changed: export into another folder and compare',
          ]);
      }
    } finally {
      await old?.close();
      await next.close();
    }
  }
}

function ifMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  throw error;
}

/** Puts `text` in the place of `file`, whole or not at all. */
async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.part`, text, { mode: 0o600, flush: true });
  await rename(`${file}.part`, file);
  await syncFolder(dirname(file));
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
