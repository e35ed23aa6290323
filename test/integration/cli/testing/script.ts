import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expect } from 'vitest';

export const root = join(import.meta.dirname, '..', '..', '..', '..');

/**
 * Runs a script that reads as a manual, in `folder`. A line `> COMMAND` is given to a shell that has the real holdfast;
 * `3> COMMAND` has to end with exit code 3. Lines after it say what came out: `out TEXT` and `err TEXT` are contained,
 * `out =` and `err =` say there was nothing, `out = FILE` that it is a file's content. `# ...` explains. Files that the
 * script needs follow at its end, each after `-- NAME --`.
 */
export async function runScript(text: string, folder: string): Promise<void> {
  const [commands = '', ...files] = text.split(/^-- (.+) --\n/m);
  for (let i = 0; i < files.length; i += 2) {
    const path = join(folder, files[i] ?? '');
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, files[i + 1] ?? '');
  }
  let last = { stdout: '', stderr: '' };
  for (const [at, line] of commands.split('\n').entries()) {
    const where = `line ${at + 1}: ${line}`;
    const command = /^(?<code>\d*)> (?<command>.*)$/.exec(line)?.groups;
    if (command !== undefined) {
      const { status, ...output } = await run(command['command'] ?? '', folder);
      last = output;
      expect(status, `${where}\n${last.stdout}${last.stderr}`).toBe(Number(command['code'] || '0'));
      continue;
    }
    const check = /^(?<stream>out|err) (?:= ?(?<file>.*)|(?<part>.*))$/.exec(line)?.groups;
    if (check === undefined) {
      expect(line, `line ${at + 1}: want a command, a check or a comment`).toMatch(/^(?:#.*)?$/);
      continue;
    }
    const got = check['stream'] === 'out' ? last.stdout : last.stderr;
    const { file, part } = check;
    if (part !== undefined) expect(got, where).toContain(part);
    else expect(got, where).toBe(file === '' || file === undefined ? '' : readFileSync(join(folder, file), 'utf8'));
  }
}

/** The real command as one who has only `folder` would run it. The bundles are those of the run's global set-up. */
export const environment = (folder: string): NodeJS.ProcessEnv => ({
  PATH: `${join(root, 'bin')}:${process.env['PATH']}`,
  HOME: folder,
  HOLDFAST_KNOWN_WALLETS: join(folder, 'known_wallets'),
  HOLDFAST_SETUP: 'skip',
  EXAMPLES: join(root, 'examples'),
});

/** Not synchronous: what a script talks to may run in this process. */
async function run(
  command: string,
  folder: string,
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const shell = spawn('sh', ['-c', command], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment(folder),
  });
  const ended = new Promise<number | null>((resolve) => void shell.once('close', resolve));
  const [stdout, stderr, status] = await Promise.all([buffer(shell.stdout), buffer(shell.stderr), ended]);
  return { status, stdout: stdout.toString(), stderr: stderr.toString() };
}
