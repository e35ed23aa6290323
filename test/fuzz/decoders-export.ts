import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { concat, hex, sha256, utf8 } from '../../common/bytes.ts';
import { lineOf, recordOfLine } from '../../client/audit/export-lines.ts';
import { encodeManifest, manifestFile, readManifest, segmentFile } from '../../client/audit/export-manifest.ts';
import type { ExportManifest } from '../../client/audit/export-manifest.ts';
import { segmentRecords } from '../../client/audit/exported-logs.ts';
import { DamagedLog } from '../../client/audit/followed-log.ts';
import { connectionOf } from '../../client/connection.ts';
import { fakeWallet } from '../../client/testing/fake-wallet.ts';
import { verifyWalletFacts } from '../../client/wallet-facts.ts';
import { AuditChain, ChainError, chainRecord, emptyHead } from '../../statement/audit.ts';
import type { Decoder } from './decoder.ts';
import { scratchFolder } from './scratch-folder.ts';

const folder = scratchFolder();
const time = '2026-12-01T00:00:00Z';
const first = chainRecord(emptyHead, time, { type: 'Signed', id: 'pay-42', message: 'signed "pay-42"' });
const second = chainRecord(first, time, { type: 'Denied', id: 'pay-43' });
const pruned = { ...first, record: new Uint8Array() };
const digestOf = (bytes: Uint8Array): string => `sha256:${hex(sha256(bytes))}`;
const lines = (...records: readonly (typeof first)[]): Uint8Array =>
  concat(...records.flatMap((record) => [lineOf(record), utf8('\n')]));
const written = lines(pruned, second);
const segment = {
  ...{ first: '1', last: '2', hash: `sha256:${hex(second.hash)}` },
  ...{ bytes: String(written.length), sha256: digestOf(written), pruned: '1' },
};

const { holders: _, ...connection } = connectionOf(
  verifyWalletFacts(fakeWallet().facts, { fingerprints: [] }),
  new Map(),
);
const manifest: ExportManifest = {
  format: 'holdfast/audit-export/v1',
  ...connection,
  holders: [
    {
      ...{ name: 'client', readAt: '2026-12-01T00:00:00.000Z', finished: 'true' as const },
      head: { sequence: '2', hash: segment.hash },
      remembered: [{ holder: 'backup', sequence: '1', hash: `sha256:${hex(first.hash)}`, signature: '' }],
      segments: [segment],
    },
    {
      ...{ name: 'backup', readAt: '2026-12-01T00:00:00.000Z', finished: 'false' as const },
      ...{ head: { sequence: '0', hash: `sha256:${'0'.repeat(64)}` }, remembered: [], segments: [] },
    },
  ],
};
const segmentPath = segmentFile(folder, 'client', segment.first);
mkdirSync(dirname(segmentPath), { recursive: true });
mkdirSync(join(folder, 'manifest'));

export const exportDecoderTable: readonly Decoder[] = [
  {
    name: 'manifest of an audit export',
    seeds: [utf8(encodeManifest(manifest)), utf8(encodeManifest({ ...manifest, holders: [] }))],
    async decode(bytes) {
      writeFileSync(manifestFile(join(folder, 'manifest')), bytes);
      const read = await readManifest(join(folder, 'manifest'));
      return read && utf8(encodeManifest(read));
    },
    // As it writes them, so that it is the forms that refuse: one member of the whole or of a holder is another.
    structured: fc
      .tuple(
        fc.constantFrom(...Object.keys(manifest)),
        fc.constantFrom(...Object.keys(manifest.holders[0]!)),
        fc.oneof(
          fc.jsonValue(),
          fc.constant(Array.from({ length: 200 }, (_, i) => ({ ...segment, first: String(i), last: '9'.repeat(18) }))),
        ),
        fc.boolean(),
      )
      .map(([member, ofHolder, value, whole]) =>
        utf8(
          `${JSON.stringify({ ...manifest, ...(whole ? { [member]: value } : { holders: [{ ...manifest.holders[0], [ofHolder]: value }] }) }, undefined, 2)}\n`,
        ),
      ),
    mostBytes: 128 * 1024,
  },
  {
    name: 'line of an audit export',
    seeds: [lineOf(first), lineOf(pruned)],
    decode: (line) => lineOf(recordOfLine(line, 1n)),
    refuses: (error) => error instanceof DamagedLog,
  },
  {
    name: 'segment of an audit export',
    seeds: [written],
    async decode(bytes) {
      writeFileSync(segmentPath, bytes);
      const read: (typeof first)[] = [];
      // As audit verify reads on: until a record does not fit.
      const chain = new AuditChain();
      for await (const record of segmentRecords(folder, 'client', segment, new AbortController().signal)) {
        chain.add(record);
        read.push(record);
      }
      return lines(...read);
    },
    refuses: (error) => error instanceof DamagedLog || error instanceof ChainError,
    mostBytes: 128 * 1024,
  },
];
