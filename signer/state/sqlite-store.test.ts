import { statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { utf8 } from '../../common/bytes.ts';
import { emptyHead, verifyChain } from '../../statement/audit.ts';
import { openStore } from './sqlite-store.ts';
import type { KeyRow, LedgerRow, PeerRow, Store } from './store.ts';
import { digestOf, now, release, requestRow } from './testing/changes.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';

const reserveBytes = 4_096;

async function opened(folder: string, onFailure: (error: Error) => void = expectNoFailure): Promise<Store> {
  const store = await openStore(folder, { onFailure, reserveBytes });
  onTestFinished(() => store.close());
  return store;
}

const expectNoFailure = (error: Error): never => {
  throw error;
};

const key: KeyRow = {
  name: 'solana',
  scheme: 'EdDSA',
  state: 'Prepared',
  attempt: 2,
  abandoned: 1,
  sealed: Uint8Array.of(1, 2, 3),
  certificate: utf8('certificate'),
  signatures: '{"client":"..."}',
};

const peer: PeerRow = {
  name: 'client',
  head: { sequence: 7n, hash: new Uint8Array(32).fill(7) },
  signed: { head: { sequence: 6n, hash: new Uint8Array(32).fill(6) }, signature: new Uint8Array(64).fill(1) },
  spends: 5n,
  fenced: '',
  strikes: 1,
};

const ban = { key: 'ethereum', peer: 'client', why: 'step 2 is wrong' };

describe("a signer's state", () => {
  it('is empty at first, in a folder for this user alone', async () => {
    const folder = join(temporaryFolder(), 'deep', 'state');
    const store = await opened(folder);
    expect(store.load()).toEqual({
      meta: new Map(),
      keys: [],
      unfinished: [],
      reserved: [],
      peers: [],
      bans: [],
      lastTime: 0,
    });
    expect(store.head).toEqual(emptyHead);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, 'state.db')).mode & 0o777).toBe(0o600);
  });

  it('reads back what was written, and again after it was closed and opened', async () => {
    const folder = temporaryFolder();
    const first = await openStore(folder, { onFailure: expectNoFailure, reserveBytes });
    const signed = requestRow(2, {
      state: 'Signed',
      signatures: [new Uint8Array(64).fill(9), new Uint8Array(65).fill(8)],
    });
    // Bytes that are a view of a larger buffer, as bytes from a connection are.
    const view = Buffer.from('xxgenesisxx').subarray(2, 9);
    await first.write({ ...release(1), keys: [key], peers: [peer], bans: [ban], meta: { genesis: view } });
    const reserved = requestRow(7, { state: 'Reserved' });
    await first.write({
      requests: [signed, reserved],
      ledger: [{ digest: digestOf(7), at: now, effects: '[]', state: 'Reserved' }],
      audit: [{ type: 'Signed', digest: signed.digest }],
      now: now + 9,
    });
    const check = (store: Store): void => {
      expect(store.load()).toEqual({
        meta: new Map([['genesis', utf8('genesis')]]),
        keys: [key],
        unfinished: [reserved],
        reserved: [{ digest: digestOf(7), at: now, effects: '[]', state: 'Reserved' }],
        peers: [peer],
        bans: [ban],
        lastTime: now + 9,
      });
      expect([...store.ledgerRows()].map((row) => [row.digest, row.state])).toEqual([
        [digestOf(1), 'Spent'],
        [digestOf(7), 'Reserved'],
      ]);
      expect(store.request(digestOf(2))).toEqual(signed);
      expect(store.requestById('payments-api', 'pay-2')).toEqual(signed);
      expect(store.requestById('other', 'pay-2')).toBeUndefined();
      expect(store.request(digestOf(3))).toBeUndefined();
      expect(store.ledger(digestOf(1))?.state).toBe('Spent');
      expect(store.ledger(digestOf(2))).toBeUndefined();
      expect(store.releasesAfter(0n, 10)).toEqual([{ sequence: 1n, digest: digestOf(1), at: now }]);
      expect(store.releasesAfter(1n, 10)).toEqual([]);
      expect(verifyChain(store.auditAfter(0n, 10))).toEqual({ records: 2, head: store.head });
    };
    check(first);
    await first.close();
    check(await opened(folder));
  });

  it('keeps a ban as it was first written', async () => {
    const folder = temporaryFolder();
    const first = await opened(folder);
    await first.write({ bans: [ban], now });
    await first.write({
      bans: [
        { ...ban, why: 'later' },
        { ...ban, peer: 'backup' },
      ],
      now,
    });
    await first.close();
    expect((await opened(folder)).load().bans).toEqual([{ ...ban, peer: 'backup' }, ban]);
  });

  it('gives its ledger row by row, by time, and whoever stops early holds up nothing', async () => {
    const store = await opened(temporaryFolder());
    const spend = (i: number): LedgerRow => ({ digest: digestOf(i), at: now - i, effects: '[]', state: 'Spent' });
    await store.write({ now, ledger: [1, 2, 3].map(spend) });
    for (const row of store.ledgerRows()) {
      expect(row).toEqual(spend(3));
      break;
    }
    await store.write({ now, ledger: [spend(4)] });
    expect([...store.ledgerRows()]).toEqual([4, 3, 2, 1].map(spend));
    const [one, two] = [store.ledgerRows()[Symbol.iterator](), store.ledgerRows()[Symbol.iterator]()];
    expect([one.next().value, one.next().value, two.next().value]).toEqual([spend(4), spend(3), spend(4)]);
  });

  it('is on disk when a write resolves, head and all, and not before', async () => {
    const folder = temporaryFolder();
    const store = await opened(folder);
    const written = store.write(release(1));
    expect(store.head).toEqual(emptyHead);
    expect(store.request(digestOf(1))).toBeUndefined();
    await written;
    const elsewhere = new DatabaseSync(join(folder, 'state.db'), { readOnly: true });
    onTestFinished(() => elsewhere.close());
    expect(elsewhere.prepare('SELECT digest FROM release').all()).toEqual([{ digest: digestOf(1) }]);
    expect(store.head.sequence).toBe(1n);
  });

  it('fails only the change that breaks a rule, whatever it is written together with', async () => {
    const store = await opened(temporaryFolder());
    await store.write(release(1));
    const fates = await Promise.allSettled([
      store.write(release(2)),
      store.write({ ...release(3), nonces: [{ key: 'solana', boot: '00', index: 1n }] }),
      store.write({ ...release(4), requests: [requestRow(4, { id: 'pay-1' })] }),
      store.write({ ...release(5), nonces: [{ key: 'solana', boot: '00', index: 1n << 63n }] }),
      store.write({ ...release(6), audit: [{ type: 'Released', digest: '\ud800' }] }),
      store.write(release(7)),
    ]);
    expect(fates.map((f) => (f.status === 'fulfilled' ? 'written' : (f.reason as Error).message))).toEqual([
      'written',
      'nonce 1 of key "solana", boot 00, was used before',
      `id "pay-1" of payments-api is bound to another request, ${digestOf(1)}`,
      expect.stringMatching(/bigint/i),
      'text holds a lone surrogate, which has no UTF-8 form',
      'written',
    ]);
    // Nothing of a change that failed is there, its part of the chain included.
    expect([...store.ledgerRows()].map((row) => row.digest).toSorted()).toEqual([1, 2, 7].map(digestOf).toSorted());
    expect([3, 4, 5, 6].map((n) => store.request(digestOf(n)))).toEqual([undefined, undefined, undefined, undefined]);
    expect(verifyChain(store.auditAfter(0n, 10))).toEqual({ records: 3, head: store.head });
    await store.write({ now, nonces: [{ key: 'solana', boot: '00', index: 3n }] });
  });

  it('keeps time from running back', async () => {
    const store = await opened(temporaryFolder());
    await store.write({ ...release(1), now: now + 100 });
    await store.write({ ...release(2), now });
    expect(store.load().lastTime).toBe(now + 100);
    expect(verifyChain(store.auditAfter(0n, 10)).records).toBe(2);
  });

  it('reads the chain and the releases in pages', async () => {
    const store = await opened(temporaryFolder());
    await Promise.all(Array.from({ length: 30 }, (_, n) => store.write(release(n))));
    const page = store.auditAfter(10n, 5);
    expect(page.map((r) => r.sequence)).toEqual([11n, 12n, 13n, 14n, 15n]);
    expect(verifyChain(page, verifyChain(store.auditAfter(0n, 10)).head).records).toBe(5);
    expect(store.releasesAfter(28n, 5).map((r) => r.digest)).toEqual([digestOf(28), digestOf(29)]);
  });

  it('leaves the event loop free while the disk is slow, and writes what queued up meanwhile', async () => {
    const folder = temporaryFolder();
    const store = await opened(folder);
    const slow = new DatabaseSync(join(folder, 'state.db'));
    onTestFinished(() => slow.close());
    slow.exec('BEGIN IMMEDIATE');
    let done = 0;
    const writes = Array.from({ length: 50 }, (_, n) => store.write(release(n)).then(() => done++));
    const started = performance.now();
    for (let turn = 0; turn < 10; turn++) await sleep(20);
    expect(performance.now() - started).toBeLessThan(800);
    expect([done, store.request(digestOf(0)), store.head.sequence]).toEqual([0, undefined, 0n]);
    slow.exec('COMMIT');
    await Promise.all(writes);
    expect(store.head.sequence).toBe(50n);
  });

  it('ends for good, and says so once, where the database is no longer its own', async () => {
    const folder = temporaryFolder();
    const failures: string[] = [];
    const store = await opened(folder, (error) => failures.push(error.message));
    await store.write(release(1));
    const intruder = new DatabaseSync(join(folder, 'state.db'));
    onTestFinished(() => intruder.close());
    intruder.exec('BEGIN IMMEDIATE');
    const lost = await Promise.allSettled([store.write(release(2)), store.write(release(3))]);
    expect(lost.map((f) => f.status)).toEqual(['rejected', 'rejected']);
    expect(failures).toEqual([`cannot use the signer's state ${join(folder, 'state.db')}: database is locked`]);
    intruder.exec('ROLLBACK');
    await expect(store.write(release(4))).rejects.toThrow('database is locked');
    expect(failures).toHaveLength(1);
    expect(store.head.sequence).toBe(1n);
  });

  it('answers who waited for a change when it was closed', async () => {
    const store = await opened(temporaryFolder());
    const settled = store.write(release(1)).then(() => [...store.ledgerRows()]);
    await store.close();
    expect(await settled).toHaveLength(1);
  });

  it('writes what was asked for before it is closed, and nothing after', async () => {
    const folder = temporaryFolder();
    const store = await openStore(folder, { onFailure: expectNoFailure, reserveBytes });
    const before = store.write(release(1));
    await store.close();
    await before;
    await expect(store.write(release(2))).rejects.toThrow("the signer's state is closed");
    expect([...(await opened(folder)).ledgerRows()]).toHaveLength(1);
  });

  it('refuses more changes than could be written in reasonable time', async () => {
    const store = await opened(temporaryFolder());
    const changes = Array.from({ length: 8_192 }, () => store.write({ now }));
    await expect(store.write({ now })).rejects.toMatchObject({ name: 'Refused', reason: 'Busy' });
    await Promise.all(changes);
    await store.write({ now });
  });
});

describe("opening a signer's state", () => {
  it('is refused at once while it is open, naming the folder and what to do', async () => {
    const folder = temporaryFolder();
    const store = await openStore(folder, { onFailure: expectNoFailure, reserveBytes });
    await expect(openStore(folder, { onFailure: expectNoFailure })).rejects.toMatchObject({
      message: `the state folder ${folder} is in use by another signer process`,
      hints: [expect.stringContaining('a folder of its own')],
    });
    await store.close();
    await opened(folder);
  });

  it('is refused where the folder cannot be made', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    await expect(openStore(join(file, 'state'), { onFailure: expectNoFailure })).rejects.toThrow(
      `cannot make the state folder ${join(file, 'state')}: `,
    );
  });

  it('is refused where the file is no database, and leaves it as it was', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'state.db');
    writeFileSync(file, 'not a database at all, '.repeat(100));
    await expect(openStore(folder, { onFailure: expectNoFailure, reserveBytes })).rejects.toMatchObject({
      message: `cannot use the signer's state ${file}: file is not a database`,
      hints: expect.arrayContaining([expect.stringContaining('do not put an older copy in its place')]),
    });
    expect(statSync(file).size).toBe(2_300);
  });

  it("is refused where the file is another program's database", async () => {
    const folder = temporaryFolder();
    const other = new DatabaseSync(join(folder, 'state.db'));
    other.exec('CREATE TABLE notes (text)');
    other.close();
    await expect(openStore(folder, { onFailure: expectNoFailure, reserveBytes })).rejects.toThrow(
      'it is not the database of a signer',
    );
  });

  it('is refused where a later version wrote the tables', async () => {
    const folder = temporaryFolder();
    await (await openStore(folder, { onFailure: expectNoFailure, reserveBytes })).close();
    const later = new DatabaseSync(join(folder, 'state.db'));
    later.exec('PRAGMA user_version = 99');
    later.close();
    await expect(openStore(folder, { onFailure: expectNoFailure, reserveBytes })).rejects.toThrow(
      'its tables are of version 99, this signer knows versions up to 4',
    );
  });

  it('is refused where the file was cut off', async () => {
    const folder = temporaryFolder();
    const store = await openStore(folder, { onFailure: expectNoFailure, reserveBytes });
    await Promise.all(Array.from({ length: 200 }, (_, n) => store.write(release(n))));
    await store.close();
    truncateSync(join(folder, 'state.db'), 8 * 4_096);
    await expect(openStore(folder, { onFailure: expectNoFailure, reserveBytes })).rejects.toThrow(
      /state\.db: .*malformed/,
    );
  });

  it('is refused where the end of the audit chain was changed', async () => {
    const folder = temporaryFolder();
    const store = await openStore(folder, { onFailure: expectNoFailure, reserveBytes });
    for (let n = 0; n < 3; n++) await store.write(release(n));
    await store.close();
    const intruder = new DatabaseSync(join(folder, 'state.db'));
    intruder.exec('DROP TRIGGER audit_only_grows');
    intruder.prepare('UPDATE audit SET record = ? WHERE sequence = 2').run(utf8('{"type":"Denied"}'));
    intruder.close();
    await expect(openStore(folder, { onFailure: expectNoFailure, reserveBytes })).rejects.toThrow('audit record 2: ');
  });
});
