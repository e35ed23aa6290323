/** Writes proto/gen/ from proto/**.proto with buf and ts-proto; with --check it only compares, and fails where they differ. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

const buf = (...args: readonly string[]): void => {
  execFileSync(join(root, 'node_modules/.bin/buf'), args, { cwd: root, stdio: ['ignore', 2, 2] });
};

/** Every file below `folder` with its text. */
function texts(folder: string): ReadonlyMap<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  return new Map(files.map((file) => [file, readFileSync(join(folder, file), 'utf8')]));
}

function check(): void {
  const temporary = mkdtempSync(join(tmpdir(), 'holdfast-proto-'));
  try {
    buf('generate', '--output', temporary);
    const [want, have] = [texts(join(temporary, 'proto/gen')), texts(join(root, 'proto/gen'))];
    const differ = [...new Set([...want.keys(), ...have.keys()])].filter((file) => want.get(file) !== have.get(file));
    if (differ.length === 0) return;
    console.error(`error: not what the .proto files say: ${differ.map((file) => `proto/gen/${file}`).join(', ')}`);
    console.error('hint: run npm run generate and commit the result');
    process.exitCode = 1;
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

buf('lint');
if (process.argv.includes('--check')) check();
else buf('generate');
