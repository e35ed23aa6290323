import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** A process of this folder that does as it is told by messages, until its parent disconnects. */
export const startChild = (file: string): ChildProcess =>
  fork(join(import.meta.dirname, file), { stdio: ['ignore', 2, 2, 'ipc'] });

/** Sends `order` to `child` and gives its next message; rejects where it ends instead. `what` names it in errors. */
export async function askChild<Answer>(child: ChildProcess, what: string, order: object): Promise<Answer> {
  if (!child.connected) throw new Error(`${what} has ended`);
  const ended = new AbortController();
  const reply = once(child, 'message', { signal: ended.signal });
  const exit = once(child, 'exit', { signal: ended.signal }).then(([code]) => {
    throw new Error(`${what} ended with exit code ${code}`);
  });
  child.send(order);
  try {
    const [answer] = (await Promise.race([reply, exit])) as [Answer];
    return answer;
  } finally {
    exit.catch(() => {});
    reply.catch(() => {});
    ended.abort();
  }
}
