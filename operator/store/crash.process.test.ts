import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { keyOf } from '../api/resource.ts';
import { openFolderView } from './folder-view.ts';
import { wallet } from './testing/drafts.ts';
import { opened, put, temporaryFolder } from './testing/folder.ts';

const program = fileURLToPath(new URL('./testing/store-process.ts', import.meta.url));

/** A second operator: its lines as they come, what it says on stderr. */
function start(
  folder: string,
  first = 0,
): { readonly child: ChildProcess; readonly lines: AsyncIterator<string>; errors(): string } {
  const child = spawn(process.execPath, [program, folder, String(first)], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let errors = '';
  child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator](), errors: () => errors };
}

describe('an operator that is killed while it writes', () => {
  it(
    'has all that it acknowledged, whole objects only, and goes on where it was, each time',
    { timeout: 60_000 },
    async () => {
      const folder = temporaryFolder({ 'a.yaml': wallet() });
      const view = async () => {
        const open = await openFolderView(folder);
        const [found] = await open.list('Wallet');
        return {
          wallet: found!,
          approvals: (await open.list('Approval')).map(({ metadata }) => Number(metadata.name.slice(2))),
        };
      };
      let uid: string | undefined;
      let next = 1;
      for (let run = 0; run < 4; run++) {
        const operator = start(folder, next);
        expect(await operator.lines.next()).toEqual({ done: false, value: 'opened' });
        let done = next - 1;
        // Killed at another moment of its work in each run.
        const stopAt = next + 5 + run * 7;
        while (done < stopAt) {
          const { value } = await operator.lines.next();
          expect(value, operator.errors()).toMatch(/^[0-9]+$/);
          done = Number(value);
        }
        operator.child.kill('SIGKILL');
        for (let line = await operator.lines.next(); line.done !== true; line = await operator.lines.next())
          done = Number(line.value);
        expect(operator.errors()).toBe('');

        const { wallet: kept, approvals } = await view();
        expect(kept.spec).toEqual(wallet().spec);
        expect(kept.metadata.uid).toBe(uid ?? kept.metadata.uid);
        uid = kept.metadata.uid;
        // The round after the last one acknowledged may be done in part.
        expect([done, done + 1]).toContain(kept.status?.observedGeneration);
        expect(kept.status?.keysReady).toHaveLength(kept.status!.observedGeneration! % 9);
        expect([[done], [done, done + 1], [done + 1]]).toContainEqual(approvals.toSorted((a, b) => a - b));
        next = done + 2;
        const store = await opened(folder);
        for (const { metadata } of await store.list('Approval'))
          await store.remove({ kind: 'Approval', namespace: metadata.namespace, name: metadata.name });
        await store.close();
      }
    },
  );

  it('no longer has its folder, which nobody else could open while it lived', { timeout: 60_000 }, async () => {
    const folder = temporaryFolder({ 'a.yaml': wallet() });
    const operator = start(folder);
    await operator.lines.next();
    const refusal = await opened(folder).catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      name: 'UserError',
      message: `another Holdfast operator, process ${operator.child.pid}, has ${join(folder, '.holdfast')} open`,
      hints: [`end that one first (kill ${operator.child.pid}), or use a folder of its own: a folder has one operator`],
    });
    expect(await (await openFolderView(folder)).operator()).toEqual({ pid: operator.child.pid });
    // Having been refused here did not break the lock there.
    const third = start(folder);
    expect((await once(third.child, 'exit'))[0]).toBe(1);
    expect(third.errors()).toContain(`process ${operator.child.pid}, has`);

    operator.child.kill('SIGKILL');
    await once(operator.child, 'exit');
    expect(await (await openFolderView(folder)).operator()).toBeUndefined();
    await opened(folder);
  });

  it('leaves nothing that another process with its number could be mistaken for', async () => {
    const folder = temporaryFolder({ 'a.yaml': wallet() });
    await (await opened(folder)).close();
    // This process lives and has that number, and is not the one that wrote it.
    put(
      folder,
      '.holdfast/owner.json',
      JSON.stringify({ pid: process.pid, start: '1', since: '2026-01-01T00:00:00Z' }),
    );
    expect(await (await openFolderView(folder)).operator()).toBeUndefined();
    const store = await opened(folder);
    expect(JSON.parse(readFileSync(join(folder, '.holdfast/owner.json'), 'utf8'))).toMatchObject({ pid: process.pid });
    await store.close();
  });

  it(
    'keeps other processes out while it lives, even after it refused to open its folder twice itself',
    { timeout: 60_000 },
    async () => {
      const folder = temporaryFolder({ 'a.yaml': wallet() });
      const store = await opened(folder);
      await expect(opened(folder)).rejects.toThrow(`process ${process.pid}, has`);
      const other = start(folder);
      expect((await once(other.child, 'exit'))[0]).toBe(1);
      expect(other.errors()).toContain(`process ${process.pid}, has`);
      expect(await store.get(keyOf<'Wallet'>(wallet()))).toBeDefined();
    },
  );

  it('says which file is in the way where the lock is none', async () => {
    const folder = temporaryFolder({ 'a.yaml': wallet(), '.holdfast/lock': '4711\n'.repeat(1000) });
    const refusal = await opened(folder).catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      message: expect.stringContaining(`cannot lock ${join(folder, '.holdfast/lock')}: `),
      hints: [expect.stringContaining('delete the file')],
    });
  });
});
