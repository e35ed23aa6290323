import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const program = join(import.meta.dirname, '../../simulation/kept-memory-process.ts');

it('signers keep nothing of a request that is over but what is on disk', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', program]);
  const { ended, bytesPerRequest } = JSON.parse(stdout) as { ended: unknown; bytesPerRequest: number };
  expect(ended).toEqual({ signed: 3_600, denied: 900 });
  // The engine keeps and frees things of its own, some 150 bytes a request either way. One entry of a map at each of the
  // three signers is more: its digest alone is 71 characters.
  expect(bytesPerRequest).toBeLessThan(200);
});
