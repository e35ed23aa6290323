import { execFileSync, spawn } from 'node:child_process';
import { existsSync, watch } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A real ssh-agent with nothing in it; undefined where none is installed. */
export async function startSshAgent(): Promise<
  { readonly socketPath: string; add(file: string): void; stop(): Promise<void> } | undefined
> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-agent-'));
  const socketPath = join(folder, 'agent.sock');
  const watcher = watch(folder);
  const agent = spawn('ssh-agent', ['-D', '-a', socketPath], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => {
    agent.once('exit', () => resolve());
    agent.once('error', () => resolve());
  });
  const there = new Promise<void>((resolve) => {
    const look = (): void => void (existsSync(socketPath) && resolve());
    watcher.on('change', look);
    look();
  });
  await Promise.race([there, ended]);
  watcher.close();
  const stop = async (): Promise<void> => {
    agent.kill();
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  if (existsSync(socketPath))
    return {
      socketPath,
      add: (file) =>
        void execFileSync('ssh-add', ['-q', file], {
          env: { ...process.env, SSH_AUTH_SOCK: socketPath },
          stdio: 'pipe',
        }),
      stop,
    };
  await stop();
  process.stderr.write('skipped what needs ssh-agent: it is not installed\n');
  return undefined;
}
