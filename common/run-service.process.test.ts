import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';

type Entry = Readonly<Record<string, unknown>>;

/** A service that does `does`; `signals` are sent, in turn, once it is ready. */
async function run(does: string, ...signals: NodeJS.Signals[]): Promise<{ code: unknown; entries: readonly Entry[] }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'testing/stand-in-service.ts'), does], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const closed = once(child, 'close');
  const entries: Entry[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    const entry = JSON.parse(line) as Entry;
    entries.push(entry);
    if (entry['message'] !== 'ready') return;
    const filter = readFileSync(`/proc/${child.pid}/coredump_filter`, 'latin1').trim();
    entries.push({ message: `core dumps ${filter}` });
    for (const signal of signals) child.kill(signal);
  });
  return { code: (await closed)[0], entries };
}

const messages = (entries: readonly Entry[]): unknown[] => entries.map(({ message }) => message);

it.each([
  ['wrong flags', 2, '--does: want something'],
  ['take a port', 98, 'listen EADDRINUSE: address already in use 127.0.0.1:1'],
  ['throw later', 1, 'thrown later'],
  ['reject later', 1, 'rejected later'],
  ['die', 1, 'two lines'],
])('a service that is to %s ends with code %i and one line that says why', async (does, exitCode, message) => {
  const { code, entries } = await run(does);
  expect(code).toBe(exitCode);
  expect(entries.filter(({ level }) => level === 'error')).toMatchObject([{ message }]);
  expect(entries.at(-1)).toMatchObject({ message });
});

it('tells the hints of wrong flags', async () => {
  expect((await run('wrong flags')).entries[0]).toMatchObject({ hints: ['say what'] });
});

it.each(['SIGTERM', 'SIGINT'] as const)(
  'is stopped by %s, and says for whom it ran, out of core dumps',
  async (signal) => {
    const { code, entries } = await run('', signal);
    expect(code).toBe(0);
    expect(messages(entries)).toEqual(['ready', 'core dumps 00000000', 'stopping', 'stopped']);
    const said = entries.filter(({ level }) => level !== undefined);
    for (const entry of said) expect(entry).toMatchObject({ wallet: 'payments/treasury', holder: 'backup' });
  },
);

it('opens no debugger for SIGUSR1', async () => {
  // Node's own answer would be a line on stderr, which is not JSON.
  const { code, entries } = await run('', 'SIGUSR1', 'SIGTERM');
  expect(code).toBe(0);
  expect(messages(entries)).toEqual(['ready', 'core dumps 00000000', 'stopping', 'stopped']);
});

it('says why it cannot stop', async () => {
  const { code, entries } = await run('fail to stop', 'SIGTERM');
  expect(code).toBe(1);
  expect(messages(entries).slice(-2)).toEqual(['stopping', 'cannot stop']);
});
