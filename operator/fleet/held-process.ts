import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { identityOf } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';

export type End = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** A process that exists but has not begun: it does after `release`, and goes after `abandon`, or if this one dies before. */
export type HeldProcess = {
  readonly process: ProcessIdentity;
  readonly ended: Promise<End>;
  release(): void;
  abandon(): void;
};

/**
 * A shell that waits for one line before it becomes the program. So its id can be written down before it does anything,
 * and no moment at which this process is killed leaves a program that nobody knows of.
 */
const script = 'ulimit -c 0; umask 077; read -r word && [ "$word" = go ] && exec "$@" </dev/null';

/** Holds `command` in a session of its own, with no environment but `env`, no core dumps, and both outputs going to `log`. */
export async function holdProcess(
  command: readonly string[],
  log: number,
  env: Readonly<Record<string, string>> = {},
): Promise<HeldProcess> {
  const child = spawn('/bin/sh', ['-c', script, 'sh', ...command], {
    cwd: '/',
    detached: true,
    env,
    stdio: ['pipe', log, log],
  });
  const ended = new Promise<End>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  const { stdin } = child;
  // Its other end may be gone.
  stdin?.on('error', () => {});
  await once(child, 'spawn');
  child.unref();
  const process = child.pid === undefined ? undefined : identityOf(child.pid);
  if (process === undefined) throw new Error(`a process ended before its program began: ${command[0]}`);
  return { process, ended, release: () => void stdin?.end('go\n'), abandon: () => void stdin?.end() };
}
