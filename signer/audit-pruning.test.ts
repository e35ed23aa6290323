import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { sha256 } from '../common/bytes.ts';
import { AuditChain, auditMembers, type AuditRecord, SEGMENT_RECORDS, verifyChain } from '../statement/audit.ts';
import { AuditPruning } from './audit-pruning.ts';
import { openStore } from './state/sqlite-store.ts';
import type { Store } from './state/store.ts';
import { digestOf, now, release } from './state/testing/changes.ts';
import { temporaryFolder } from './state/testing/temporary-folder.ts';

const SEGMENT = Number(SEGMENT_RECORDS);

/** Records `from` to `to`, both included. */
const records = (store: Store, from: number, to: number): readonly AuditRecord[] =>
  store.auditAfter(BigInt(from - 1), to - from + 1);

/** What an export acknowledges of segment `n`, the first being 1. */
function acknowledged(store: Store, n: number): { last: bigint; hash: Buffer; bodies: Buffer } {
  const segment = records(store, (n - 1) * SEGMENT + 1, n * SEGMENT);
  const bodies = createHash('sha256');
  for (const { record } of segment) bodies.update(record).update('\n');
  return { last: BigInt(n * SEGMENT), hash: Buffer.from(segment.at(-1)!.hash), bodies: bodies.digest() };
}

const storeOptions: Parameters<typeof openStore>[1] = {
  onFailure: (error) => {
    throw error;
  },
  reserveBytes: 4_096,
};

describe('a segment of the audit log', () => {
  let folder: string;
  let store: Store;
  let pruning: AuditPruning;
  const write: Store['write'] = (change) => store.write({ ...change, now: Math.max(now, change.now ?? 0) });
  const prune = (request: Parameters<AuditPruning['prune']>[0]): Promise<bigint> =>
    pruning.prune(request, (change) => write({ ...change, now }));

  const open = async (): Promise<void> => {
    const opened = await openStore(folder, storeOptions);
    store = opened;
    pruning = new AuditPruning(opened);
    onTestFinished(() => opened.close());
  };

  /** Two whole segments and a bit, the first records being of what signing needs; each test has a copy. */
  let written: string;
  beforeAll(async () => {
    written = mkdtempSync(join(tmpdir(), 'holdfast-pruning-'));
    const first = await openStore(written, storeOptions);
    for (let n = 1; n <= 3; n++) await first.write(release(n));
    const filler = Array.from({ length: 2 * SEGMENT + 2 }, (_, n) => ({ type: 'Denied' as const, id: `no-${n}` }));
    await first.write({ audit: filler, now });
    await first.close();
  });
  afterAll(() => rmSync(written, { recursive: true, force: true }));
  beforeEach(async () => {
    folder = temporaryFolder();
    cpSync(written, folder, { recursive: true });
    await open();
  });

  it('is pruned for who has its bodies, and number and hash of each record stay', async () => {
    const before = records(store, 1, 2 * SEGMENT + 5);
    await expect(prune(acknowledged(store, 1))).resolves.toBe(SEGMENT_RECORDS);
    const after = store.auditAfter(0n, 3 * SEGMENT);
    expect(after).toHaveLength(before.length + 1);
    expect(after.slice(0, SEGMENT).every(({ record }) => record.length === 0)).toBe(true);
    expect(after.slice(0, before.length).map(({ sequence, hash }) => ({ sequence, hash }))).toEqual(
      before.map(({ sequence, hash }) => ({ sequence, hash })),
    );
    expect(after.slice(SEGMENT, before.length)).toEqual(before.slice(SEGMENT));
    const chain = new AuditChain();
    for (const record of after) chain.add(record);
    expect(chain).toMatchObject({ head: store.head, records: before.length + 1, pruned: SEGMENT });
    // The log says so itself, and what it says binds every hash without a body.
    expect(auditMembers(after.at(-1)!.record)).toMatchObject({
      type: 'AuditPruned',
      first: '1',
      last: String(SEGMENT),
      hashes: `sha256:${Buffer.from(sha256(Buffer.concat(before.slice(0, SEGMENT).map((r) => r.hash)))).toString('hex')}`,
    });
  });

  it('pruned twice, or asked for twice at once, is pruned once', async () => {
    const request = acknowledged(store, 1);
    await expect(Promise.all([prune(request), prune(request)])).resolves.toEqual([SEGMENT_RECORDS, SEGMENT_RECORDS]);
    const { head } = store;
    await expect(prune(request)).resolves.toBe(SEGMENT_RECORDS);
    expect(store.head).toEqual(head);
  });

  it('stays where anything is wrong with the request', async () => {
    const first = acknowledged(store, 1);
    const { head } = store;
    const other = (bytes: Buffer): Buffer => Buffer.from(bytes.map((byte, i) => (i === 31 ? byte ^ 1 : byte)));
    await expect(prune({ ...first, hash: other(first.hash) })).rejects.toThrow('has another hash here');
    await expect(prune({ ...first, hash: Buffer.of() })).rejects.toThrow('has another hash here');
    await expect(prune({ ...first, bodies: other(first.bodies) })).rejects.toThrow('have other bodies here');
    await expect(prune({ ...first, bodies: Buffer.of() })).rejects.toThrow('have other bodies here');
    await expect(prune({ ...first, last: 0n })).rejects.toThrow('want the last record of a whole segment');
    await expect(prune({ ...first, last: SEGMENT_RECORDS - 1n })).rejects.toThrow('whole segment');
    await expect(prune({ ...first, last: 3n * SEGMENT_RECORDS })).rejects.toThrow('up to 20005');
    await expect(prune(acknowledged(store, 2))).rejects.toThrow('the oldest go first');
    expect(store.head).toEqual(head);
    expect(verifyChain(records(store, 1, SEGMENT)).records).toBe(SEGMENT);
  });

  it('stays where a write is refused, and goes with the next', async () => {
    const request = acknowledged(store, 1);
    const refused = pruning.prune(request, () => Promise.reject(new Error('no quorum yet')));
    await expect(refused).rejects.toThrow('no quorum yet');
    expect(records(store, 1, 1)[0]?.record).not.toHaveLength(0);
    await expect(prune(request)).resolves.toBe(SEGMENT_RECORDS);
  });

  it('leaves everything that signing needs, also after a restart, and the log goes on', async () => {
    await prune(acknowledged(store, 1));
    await prune(acknowledged(store, 2));
    const { head } = store;
    await store.close();
    await open();
    expect(store.head).toEqual(head);
    for (let n = 1; n <= 3; n++) {
      expect(store.ledger(digestOf(n))).toMatchObject({ state: 'Spent' });
      expect(store.request(digestOf(n))).toMatchObject({ id: `pay-${n}`, state: 'Released' });
      await expect(store.write(release(n))).rejects.toThrow('was used before');
    }
    expect(store.releasesAfter(0n, 9)).toHaveLength(3);
    await store.write(release(4));
    expect(verifyChain(store.auditAfter(0n, 3 * SEGMENT))).toEqual({ records: 2 * SEGMENT + 8, head: store.head });
  });

  it('frees its pages for what comes next', async () => {
    const pages = (): { readonly all: number; readonly free: number } => {
      const db = new DatabaseSync(join(folder, 'state.db'), { readOnly: true });
      const count = (name: string): number => Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
      const found = { all: count('page_count'), free: count('freelist_count') };
      db.close();
      return found;
    };
    const { all, free } = pages();
    await prune(acknowledged(store, 1));
    // Of a record of some 200 bytes 34 are left here.
    expect(pages().free - free).toBeGreaterThan(all / 4);
  });

  it('cannot lose a record by SQL that keeps the triggers', async () => {
    await prune(acknowledged(store, 1));
    await store.close();
    const db = new DatabaseSync(join(folder, 'state.db'));
    onTestFinished(() => db.close());
    for (const sql of [
      'DELETE FROM audit WHERE sequence = 10001',
      'DELETE FROM audit_pruned WHERE sequence = 1',
      "UPDATE audit_pruned SET hash = x'00' WHERE sequence = 1",
      "UPDATE audit SET record = x'' WHERE sequence = 10001",
      'INSERT INTO audit_pruned VALUES (10001, zeroblob(32))',
      'INSERT INTO audit_pruned SELECT sequence, hash FROM audit WHERE sequence = 10002',
      "INSERT INTO audit VALUES (7, x'7b7d', zeroblob(32))",
    ])
      expect(() => db.exec(sql), sql).toThrow();
  });
});
