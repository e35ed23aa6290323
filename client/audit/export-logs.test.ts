import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hex, sha256 } from '../../common/bytes.ts';
import { SEGMENT_RECORDS } from '../../statement/audit.ts';
import { connectionOf, verifyConnection } from '../connection.ts';
import type { VerifiedConnection } from '../connection.ts';
import { fakeWallet } from '../testing/fake-wallet.ts';
import { verifyWalletFacts } from '../wallet-facts.ts';
import { exportLogs } from './export-logs.ts';
import type { ResumableLog } from './export-logs.ts';
import { manifestFile } from './export-manifest.ts';
import type { ExportManifest } from './export-manifest.ts';
import { openExport, withExport } from './exported-logs.ts';
import { honestLogs, known, longLog, start, WrittenLog } from './testing/written-logs.ts';
import { verifyLogs } from './verify-logs.ts';
import type { LogsVerified } from './verify-logs.ts';

const { signal } = new AbortController();
const SEGMENT = Number(SEGMENT_RECORDS);

const walletOf = (): VerifiedConnection => {
  const facts = verifyWalletFacts(fakeWallet().facts, { fingerprints: [] });
  return verifyConnection({ ...connectionOf(facts, new Map()), holders: [] });
};
const wallet = walletOf();

let root = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'holdfast-export-'));
});
afterAll(() => rmSync(root, { recursive: true }));
const fresh = (): string => join(mkdtempSync(join(root, 'run-')), 'export');

const write = (folder: string, logs: readonly (WrittenLog | ResumableLog)[], of = wallet): Promise<ExportManifest> =>
  exportLogs({
    folder,
    wallet: of,
    logs: logs.map((log) => (log instanceof WrittenLog ? log.log() : log)),
    signal,
  });

async function verify(folder: string): Promise<LogsVerified> {
  const { logs, missing } = await openExport(folder);
  return verifyLogs({ logs, missing, known, signal });
}

const filesIn = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.jsonl'))
      .toSorted()
      .map((file) => [file, readFileSync(join(folder, file), 'utf8')]),
  );

const steps = ['signed', 'denied', 'signed', 'lost'] as const;

/** The same with the first segment pruned, as a signer does it. */
function pruned(log: WrittenLog): WrittenLog {
  const bare = new WrittenLog('client');
  const hashes = sha256(Buffer.concat(log.records.slice(0, SEGMENT).map(({ hash }) => hash)));
  bare.records = [...log.records];
  bare.write(start, { type: 'AuditPruned', first: '1', last: String(SEGMENT), hashes: `sha256:${hex(hashes)}` });
  bare.records = bare.records.map((r, i) => (i < SEGMENT ? { ...r, record: new Uint8Array() } : r));
  return bare;
}

describe('an export', () => {
  it('verifies without any signer, and its lines are the records themselves', async () => {
    const folder = fresh();
    const logs = honestLogs(steps);
    await write(folder, logs);
    const result = await verify(folder);
    expect(result.findings).toEqual([]);
    expect(result.missing).toEqual([]);
    expect(result.logs.map(({ holder, records, whole }) => [holder, records, whole])).toEqual(
      ['backup', 'client', 'infrastructure'].map((name) => {
        const log = logs.find(({ holder }) => holder === name);
        return [name, log?.records.length, true];
      }),
    );
    for (const { holder, records } of logs) {
      const lines = filesIn(folder)[`${holder}/000000000001.jsonl`]!.trimEnd().split('\n');
      expect(lines.map((line) => hex(sha256(Buffer.from(line))))).toEqual(records.map(({ hash }) => hex(hash)));
    }
  });

  it('goes on where the log has grown: what is there stays', async () => {
    const folder = fresh();
    const log = longLog(SEGMENT + 5);
    await write(folder, [log]);
    const before = filesIn(folder);
    expect(Object.keys(before)).toEqual(['client/000000000001.jsonl', 'client/000000010001.jsonl']);
    for (let n = 0; n < 3; n++) log.write(start + 1, { type: 'Denied', id: `later-${n}` });
    const asked: bigint[] = [];
    const watched: ResumableLog = {
      ...log.log(),
      after(sequence, until) {
        asked.push(sequence);
        return log.log().after(sequence, until);
      },
    };
    await write(folder, [watched]);
    expect(asked).toEqual([SEGMENT_RECORDS]);
    const after = filesIn(folder);
    expect(after['client/000000000001.jsonl']).toBe(before['client/000000000001.jsonl']);
    expect(after['client/000000010001.jsonl']).toContain(before['client/000000010001.jsonl']);
    expect((await verify(folder)).logs).toMatchObject([{ records: SEGMENT + 8, whole: true }]);
  });

  it('that was cut off anywhere is refused, and finished by the next run', async () => {
    const logs = honestLogs(steps);
    const whole = fresh();
    await write(whole, logs);
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat({ max: 2 }), async (where, which) => {
        const folder = fresh();
        const broken = logs.map((log, i): ResumableLog => {
          if (i !== which) return log.log();
          return {
            ...log.log(),
            async *after() {
              yield* log.records.slice(0, where % log.records.length);
              throw new Error('connection lost');
            },
          };
        });
        await expect(write(folder, broken)).rejects.toThrow('connection lost');
        await expect(openExport(folder)).rejects.toThrow('the export is not whole');
        await write(folder, logs);
        expect(filesIn(folder)).toEqual(filesIn(whole));
        expect((await verify(folder)).findings).toEqual([]);
      }),
      { numRuns: 15 },
    );
  });

  it('with half a file, or none, is refused', async () => {
    const whole = fresh();
    await write(whole, honestLogs(steps));
    const file = 'client/000000000001.jsonl';
    for (const [damage, why] of [
      [(at: string) => truncateSync(join(at, file), 100), 'has 100 bytes, want'],
      [(at: string) => rmSync(join(at, file)), 'no such file'],
      [(at: string) => writeFileSync(join(at, `${file}.part`), ''), '.part was not written to its end'],
      [(at: string) => truncateSync(manifestFile(at), 100), 'is no whole manifest'],
      [(at: string) => rmSync(manifestFile(at)), 'is no export'],
    ] as const) {
      const folder = fresh();
      cpSync(whole, folder, { recursive: true });
      damage(folder);
      await expect(openExport(folder), why).rejects.toThrow(why);
    }
  });

  it('names each record of which a bit was changed', async () => {
    const whole = fresh();
    const logs = honestLogs(steps);
    await write(whole, logs);
    const text = filesIn(whole);
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 2 }), fc.nat(), fc.nat({ max: 7 }), async (which, where, bit) => {
        const { holder } = logs[which]!;
        const folder = fresh();
        cpSync(whole, folder, { recursive: true });
        const name = `${holder}/000000000001.jsonl`;
        const bytes = Buffer.from(text[name]!);
        const at = where % bytes.length;
        bytes[at]! ^= 1 << bit;
        writeFileSync(join(folder, name), bytes);
        const sequence = BigInt(text[name]!.slice(0, at).split('\n').length);
        expect((await verify(folder)).findings[0]).toMatchObject({ severity: 'differs', holder, sequence });
      }),
      { numRuns: 60 },
    );
  });

  it('whose manifest was changed does not pass for the one that was written', async () => {
    const whole = fresh();
    await write(whole, honestLogs(steps));
    const text = readFileSync(manifestFile(whole), 'utf8');
    const digits = [...text.matchAll(/"(?:sequence|hash|sha256|first|last|bytes|pruned)": "(?:sha256:)?([0-9a-f])/g)];
    for (const { 0: member, index } of digits) {
      const folder = fresh();
      cpSync(whole, folder, { recursive: true });
      const at = index + member.length - 1;
      writeFileSync(manifestFile(folder), `${text.slice(0, at)}${text[at] === '7' ? '5' : '7'}${text.slice(at + 1)}`);
      const found = await verify(folder).then(
        ({ findings }) => findings.length > 0,
        () => true,
      );
      // How many were pruned is said for people; the records themselves show it.
      expect(found, member).toBe(!member.startsWith('"pruned"'));
    }
  });

  it('is never written over what is something else', async () => {
    const folder = fresh();
    await write(folder, honestLogs(steps));
    await expect(write(folder, honestLogs(steps), walletOf())).rejects.toThrow('is an export of wallet');
    const taken = mkdtempSync(join(root, 'taken-'));
    writeFileSync(join(taken, 'notes.txt'), 'mine');
    await expect(write(taken, honestLogs(steps))).rejects.toThrow('has notes.txt in it: nothing is written there');
    expect(readdirSync(taken)).toEqual(['notes.txt']);
  });

  it('stays as it is where the log is another now', async () => {
    const folder = fresh();
    await write(folder, [longLog(SEGMENT + 5)]);
    const before = filesIn(folder);
    const other = longLog(SEGMENT + 9);
    other.rewrite(SEGMENT + 2, (entry) => ({ ...entry, id: 'another' }));
    await expect(write(folder, [other])).rejects.toThrow("is not how its signer's log goes now");
    expect(filesIn(folder)).toEqual(before);
    other.rewrite(7, (entry) => ({ ...entry, id: 'another' }));
    await expect(write(folder, [other])).rejects.toThrow('holder client: audit record 10001: follows');
    await expect(write(folder, [longLog(3)])).rejects.toThrow('its signer names 3 records, 10005 were exported');
    expect(filesIn(folder)).toEqual(before);
    const first = join(folder, 'client/000000000001.jsonl');
    writeFileSync(first, readFileSync(first, 'utf8').replace('"id":"7"', '"id":"8"'));
    await expect(write(folder, [longLog(SEGMENT + 9)])).rejects.toThrow('was changed after it was exported');
  });
});

describe('bodies that a signer pruned', () => {
  it('come from an export that has them, and every difference from it is named', async () => {
    const folder = fresh();
    const log = longLog(SEGMENT + 5);
    await write(folder, [log]);
    const exported = (await openExport(folder)).logs[0]!;
    const bare = pruned(log);
    const check = (live: WrittenLog): Promise<LogsVerified> =>
      verifyLogs({ logs: [withExport(live.log(), exported)], known, signal });
    expect(await check(bare)).toMatchObject({ findings: [], logs: [{ whole: true, records: SEGMENT + 6 }] });
    expect((await verifyLogs({ logs: [bare.log()], known, signal })).findings).toMatchObject([{ severity: 'pruned' }]);

    const hash = Uint8Array.from(bare.records[41]!.hash);
    hash[0]! ^= 1;
    bare.records[41] = { ...bare.records[41]!, hash };
    expect((await check(bare)).findings).toMatchObject([
      {
        severity: 'differs',
        holder: 'client',
        sequence: 42n,
        kind: 'Denied',
        problem: 'has another hash than in the export',
      },
    ]);
    const rewritten = longLog(SEGMENT + 5);
    rewritten.rewrite(77, (entry) => ({ ...entry, id: 'another' }));
    expect((await check(rewritten)).findings).toMatchObject([{ sequence: 77n, kind: 'Denied' }]);
    expect((await check(longLog(12))).findings).toMatchObject([{ sequence: 13n, kind: 'Denied' }]);
  });

  it('are told of by an export that was made afterwards', async () => {
    const folder = fresh();
    const manifest = await write(folder, [pruned(longLog(SEGMENT + 5))]);
    expect(manifest.holders[0]?.segments.map((segment) => segment.pruned)).toEqual([String(SEGMENT), '0']);
    const result = await verify(folder);
    expect(result.logs).toMatchObject([{ sound: true, pruned: SEGMENT }]);
    expect(result.findings).toMatchObject([{ severity: 'pruned', holder: 'client', sequence: 1n }]);
  });
});
