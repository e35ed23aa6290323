import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from './make-folder.ts';
import { temporaryFolder } from './store/testing/folder.ts';

test('a folder is made with those above it, for this user alone, and may be there already', async () => {
  const path = join(temporaryFolder(), 'a', 'b', 'c');
  await makeFolder(path);
  await makeFolder(path);
  await Promise.all(['x', 'y', 'z'].map((name) => makeFolder(join(path, 'd', name))));
  expect(statSync(path).mode & 0o777).toBe(0o700);
  expect(statSync(join(path, 'd', 'z')).isDirectory()).toBe(true);
});

test('a file in its place, or above it, is an error', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'file'), '');
  await expect(makeFolder(join(folder, 'file'))).rejects.toMatchObject({ code: 'EEXIST' });
  await expect(makeFolder(join(folder, 'file', 'a'))).rejects.toMatchObject({ code: 'ENOTDIR' });
});

test.runIf(process.platform === 'linux')('where no folder can be made it gives up', async () => {
  await expect(makeFolder('/proc/nope/a/b')).rejects.toMatchObject({ code: 'ENOENT' });
});
