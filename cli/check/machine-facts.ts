import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { agentIdentities } from '../../client/ssh-agent.ts';
import { messageOf } from '../../common/errors.ts';
import type { Session } from '../session.ts';
import { findAddon } from './addon.ts';
import type { MachineFacts, SshAgent } from './machine.ts';

/** What {@link MachineFacts} are here. Never throws, but when the session's signal aborts. */
export const gatherMachine = async ({ env, signal }: Pick<Session, 'env' | 'signal'>): Promise<MachineFacts> => ({
  node: process.versions.node,
  launched: env['HOLDFAST_COMMAND'] !== undefined,
  addon: await findAddon(),
  sshKeygen: isOnPath('ssh-keygen', env['PATH'] ?? ''),
  sshAgent: await askAgent(env['SSH_AUTH_SOCK'] ?? '', signal),
});

function isOnPath(program: string, path: string): boolean {
  return path.split(delimiter).some((folder) => {
    const file = join(folder, program);
    try {
      accessSync(file, constants.X_OK);
      return statSync(file).isFile();
    } catch {
      return false;
    }
  });
}

async function askAgent(socket: string, signal: AbortSignal): Promise<SshAgent> {
  if (socket === '') return { kind: 'None' };
  try {
    return { kind: 'Answers', keys: (await agentIdentities(socket, signal)).length };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: 'Fails', message: messageOf(error) };
  }
}
