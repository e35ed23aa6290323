import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { usage } from './bench/options.ts';

const run = promisify(execFile);
const cwd = join(import.meta.dirname, '..');

it('leave stdout to their command: neither npm nor the set-up writes there', async () => {
  const { stdout } = await run('npm', ['run', 'bench', '--', '--help'], { cwd });
  expect(stdout).toBe(`${usage}\n`);
});

it('can set up at once', async () => {
  const setup = () => run('bash', ['scripts/setup.sh'], { cwd });
  expect((await Promise.all([setup(), setup(), setup()])).map(({ stdout }) => stdout)).toEqual(['', '', '']);
});

it('run the Node that is locked, whatever the machine has', async () => {
  const { stdout } = await run('npm', ['exec', '--', 'node', '--version'], { cwd });
  expect(stdout.trim()).toBe(process.version);
  expect(process.version).toMatch(/^v24\./);
});
