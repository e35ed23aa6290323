import { readdirSync, readFileSync, statSync } from 'node:fs';
import type { Clock } from '../../common/clock.ts';

/**
 * A process beyond doubt: its id is given to others after it, but not in the same tick of the same boot.
 * `started` is `<boot id>/<clock ticks after boot>`.
 */
export type ProcessIdentity = { readonly pid: number; readonly started: string };

const POLL = 20;
/** A process that survives SIGKILL for so long hangs in the kernel, on a disk that is gone for example. */
const KILL_BOUND = 10_000;

/** The process that has `pid` now; undefined where none has, or only a zombie. Linux only (proc(5)). */
export function identityOf(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name, in brackets, may hold spaces and brackets itself: from after it, state is 0, threads 17, start time 19.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // The first thread is a zombie as soon as it is done; ports and locks are free when the others are done too.
    const gone = fields[0] === 'X' || (fields[0] === 'Z' && Number(fields[17]) <= 1);
    return gone ? undefined : { pid, started: `${bootId()}/${fields[19]}` };
  } catch {
    return undefined;
  }
}

export const isAlive = ({ pid, started }: ProcessIdentity): boolean => identityOf(pid)?.started === started;

/** Ends a process: SIGTERM, after `grace` milliseconds SIGKILL. Resolves when it is gone; nothing happens to another with its id. */
export async function endProcess(process: ProcessIdentity, grace: number, clock: Clock): Promise<void> {
  for (const [signal, bound] of [
    ['SIGTERM', grace],
    ['SIGKILL', KILL_BOUND],
  ] as const) {
    const since = clock.monotonic();
    send(process, signal);
    while (clock.monotonic() - since < bound) {
      if (!isAlive(process)) return;
      await new Promise<void>((resolve) => {
        clock.after(POLL, resolve);
      });
    }
  }
  if (isAlive(process)) throw new Error(`process ${process.pid} does not end, not even by SIGKILL`);
}

/** A process of this user that has `words` among its arguments, one after the other, and all its arguments. */
export function findProcess(
  words: readonly string[],
): { readonly process: ProcessIdentity; readonly args: readonly string[] } | undefined {
  for (const pid of readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number)) {
    try {
      if (statSync(`/proc/${pid}`).uid !== process.getuid?.()) continue;
      const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      if (!args.some((_, i) => words.every((word, j) => args[i + j] === word))) continue;
      const found = identityOf(pid);
      if (found !== undefined) return { process: found, args };
    } catch {
      // It ended meanwhile.
    }
  }
  return undefined;
}

/** Between the look and the signal the id could change hands; Node has no pidfd to close that last gap. */
function send(target: ProcessIdentity, signal: NodeJS.Signals): void {
  try {
    if (isAlive(target)) process.kill(target.pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

let boot: string | undefined;
const bootId = (): string => (boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim());
