import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { version } from '../../common/version.ts';
import { findAddon } from './addon.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-addon-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

/** What JavaScript loads in the way of an addon. */
const written = (name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};

test('an addon of this version loads, and has ECDSA where it says so', async () => {
  const file = written('good.cjs', `exports.version = () => '${version}'; exports.dklsOpen = () => {};`);
  expect(await findAddon(file)).toEqual({ loaded: true, version, ecdsa: true });
  const without = written('frost.cjs', `exports.version = () => '${version}'; exports.FrostKey = class {};`);
  expect(await findAddon(without)).toEqual({ loaded: true, version, ecdsa: false });
});

test('one that is not there, or not wanted, is no fault', async () => {
  vi.stubEnv('HOLDFAST_NATIVE', 'off');
  expect(await findAddon()).toEqual({ loaded: false, reason: 'HOLDFAST_NATIVE=off', broken: false });
  expect(await findAddon(written('good.cjs', `exports.version = () => '${version}';`))).toMatchObject({
    loaded: false,
  });
});

test.each([
  ['is no library', 'holdfast.node', 'not a library', /holdfast\.node: Error: /],
  [
    'is of another version',
    'old.cjs',
    `exports.version = () => '0.0.1\\u001b[31m';`,
    /want version .*, got 0\.0\.1 \[31m$/,
  ],
  ['has none of its calls', 'empty.cjs', '', /TypeError: /],
  ['ends the process that loads it', 'abort.cjs', 'process.abort();', /ends a process that loads it \(SIGABRT\)/],
])('one that %s is a fault of its own', async (_, name, text, reason) => {
  const state = await findAddon(written(name, text));
  expect(state).toMatchObject({ loaded: false, broken: true, reason: expect.stringMatching(reason) as unknown });
});
