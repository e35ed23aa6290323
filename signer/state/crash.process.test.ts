import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { verifyChain } from '../../statement/audit.ts';
import { openStore } from './sqlite-store.ts';
import type { Store } from './store.ts';
import { digestOf } from './testing/changes.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';

const program = fileURLToPath(new URL('./testing/writer-process.ts', import.meta.url));

/** A second process with the state open: its lines as they come, what it says on stderr. */
function start(
  folder: string,
  first: number,
): { readonly child: ChildProcess; readonly lines: AsyncIterator<string>; errors(): string } {
  const child = spawn(process.execPath, [program, folder, String(first)], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let errors = '';
  child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, lines, errors: () => errors };
}

async function rest(lines: AsyncIterator<string>): Promise<string[]> {
  const all: string[] = [];
  for (let line = await lines.next(); line.done !== true; line = await lines.next()) all.push(line.value);
  return all;
}

const reopen = async (folder: string): Promise<Store> => {
  const store = await openStore(folder, {
    onFailure: (error) => {
      throw error;
    },
    reserveBytes: 4_096,
  });
  onTestFinished(() => store.close());
  return store;
};

describe('a signer that is killed while it writes', () => {
  it(
    'has every change that it acknowledged, whole changes only, and an unbroken chain, each time',
    { timeout: 30_000 },
    async () => {
      const folder = temporaryFolder();
      let first = 0;
      for (let run = 0; run < 4; run++) {
        const writer = start(folder, first);
        expect(await writer.lines.next()).toEqual({ done: false, value: 'opened' });
        const acknowledged = [Number((await writer.lines.next()).value)];
        // Killed at another moment of its work in each run.
        while (acknowledged.length < 40 + run * 17) acknowledged.push(Number((await writer.lines.next()).value));
        writer.child.kill('SIGKILL');
        acknowledged.push(...(await rest(writer.lines)).map(Number));
        expect(writer.errors()).toBe('');

        const store = await reopen(folder);
        const ledger = [...store.ledgerRows()].map((row) => row.digest);
        const releases = store.releasesAfter(0n, 1_000_000);
        const audit = store.auditAfter(0n, 1_000_000);
        expect(verifyChain(audit)).toEqual({ records: ledger.length, head: store.head });
        expect(releases.map((r) => r.digest).toSorted()).toEqual(ledger.toSorted());
        expect(ledger).toEqual(expect.arrayContaining(acknowledged.map(digestOf)));
        const highest = Math.max(...acknowledged) + 32;
        const all = Array.from({ length: highest }, (_, n) => n).filter(
          (n) => store.request(digestOf(n)) !== undefined,
        );
        expect(all.map(digestOf).toSorted()).toEqual(ledger.toSorted());
        first = highest;
        await store.close();
      }
    },
  );

  it('no longer holds its folder, which nobody else can open while it lives', { timeout: 30_000 }, async () => {
    const folder = temporaryFolder();
    const writer = start(folder, 0);
    await writer.lines.next();
    await expect(reopen(folder)).rejects.toThrow(`the state folder ${folder} is in use by another signer process`);
    // Having been refused here did not break the lock there.
    const third = start(folder, 1_000);
    expect((await once(third.child, 'exit'))[0]).toBe(1);
    expect(third.errors()).toContain('is in use by another signer process');
    writer.child.kill('SIGKILL');
    await once(writer.child, 'exit');
    await reopen(folder);
  });

  it(
    'keeps other processes out while it has the state open itself, even after it refused to open it twice',
    { timeout: 30_000 },
    async () => {
      const folder = temporaryFolder();
      await reopen(folder);
      await expect(reopen(folder)).rejects.toThrow('in use');
      const other = start(folder, 0);
      expect((await once(other.child, 'exit'))[0]).toBe(1);
      expect(other.errors()).toContain('in use');
    },
  );
});
