import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fakeTreasury } from './testing/fake-treasury.ts';
import { runScript } from './testing/script.ts';

const namesIn = (folder: URL): readonly (readonly [string])[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.txt'))
    .map((file) => [file.replace(/\.txt$/, '')] as const);

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-script-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const fresh = (): string => mkdtempSync(join(folder, 'run-'));

const alone = new URL('scripts/', import.meta.url);
test.each(namesIn(alone))('%s', async (name) => {
  await runScript(readFileSync(new URL(`${name}.txt`, alone), 'utf8'), fresh());
});

const withWallet = new URL('scripts/wallet/', import.meta.url);
describe('with a wallet', () => {
  test.each(namesIn(withWallet))('%s', async (name) => {
    const at = fresh();
    const treasury = await fakeTreasury(at);
    try {
      await runScript(readFileSync(new URL(`${name}.txt`, withWallet), 'utf8'), at);
    } finally {
      treasury.stop();
    }
  });
});

test('a script that expects something else fails', async () => {
  const fails = (text: string, why: string) => expect(runScript(text, fresh())).rejects.toThrow(why);
  await fails('> exit 3', 'line 1');
  await fails('3> exit 0', 'line 1');
  await fails('> echo one\nout two', 'line 2');
  await fails('> echo one\nout =', 'line 2');
  await fails('> echo one >&2\nerr two', 'line 2');
  await fails('> echo one\nout = file\n-- file --\ntwo\n', 'line 2');
  await fails('nonsense', 'want a command');
});
