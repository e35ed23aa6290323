import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../../signer/state/testing/temporary-folder.ts';
import { canary, searchFor } from './signers/canary.ts';
import { findInMemory } from './signers/process-memory.ts';

const program = fileURLToPath(new URL('ecdsa-memory-process.ts', import.meta.url));

/** In a share's bytes: the point of the polynomial, and the seed of the zero share, each 32 bytes. */
const POLY_POINT = 38;
const ZERO_SEED = 107;

it('gives memory back after thousands of signatures, and leaves nothing of a share once it is closed', async () => {
  const file = join(temporaryFolder(), 'share');
  const child = spawn(process.execPath, ['--expose-gc', program, file], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill());
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (what: string): Promise<number> => {
    const [said, rss] = String((await lines.next()).value).split(' ');
    expect(said).toBe(what);
    return Number(rss);
  };
  const goOn = (): void => void child.stdin.write('\n');

  const before = await next('open');
  const share = readFileSync(file);
  const search = searchFor([
    canary('share', share.subarray(POLY_POINT, POLY_POINT + 32)),
    canary('seed', share.subarray(ZERO_SEED, ZERO_SEED + 32)),
  ]);
  const found = (): string[] => [...findInMemory(child.pid as number, search).found];
  // That the search finds what is there.
  const open = found();
  for (const what of ['share', 'seed'])
    expect(
      open.some((each) => each.startsWith(what)),
      open.join(', '),
    ).toBe(true);

  goOn();
  expect((await next('signed')) - before).toBeLessThan(32);
  goOn();
  await next('closed');
  expect(found()).toEqual([]);
});
