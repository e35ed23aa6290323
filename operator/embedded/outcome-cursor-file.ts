import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Log } from '../../common/log.ts';
import { isObject } from '../api/check-schema.ts';
import { isMissing, writeAtomically } from '../atomic-file.ts';
import type { OutcomeCursors } from '../wallet/outcome-follower.ts';

/** Written at most this often: after a crash some events are told twice. Milliseconds. */
const writeMs = 1_000;

export type OutcomeCursorFile = OutcomeCursors & { close(): Promise<void> };

/** Cursors in a file of `folder`. A file that cannot be read is begun anew: only events depend on it. */
export async function openOutcomeCursors(folder: string, clock: Clock, log: Log): Promise<OutcomeCursorFile> {
  const file = join(folder, 'outcomes.json');
  const cursors = await load(file, log);
  let cancel: (() => void) | undefined;
  let writing: Promise<void> = Promise.resolve();
  const write = (): void => {
    cancel = undefined;
    const text = `${JSON.stringify(Object.fromEntries([...cursors].map(([name, at]) => [name, String(at)])))}\n`;
    writing = writing
      .then(() => writeAtomically(file, text, folder))
      .catch((error: unknown) => log.warn('cannot write which outcomes were told', { file, error: messageOf(error) }));
  };
  return {
    get: ({ wallet, holder }) => cursors.get(`${wallet}/${holder}`),
    set({ wallet, holder }, sequence) {
      cursors.set(`${wallet}/${holder}`, sequence);
      cancel ??= clock.after(writeMs, write);
    },
    async close() {
      if (cancel !== undefined) {
        cancel();
        write();
      }
      await writing;
    },
  };
}

async function load(file: string, log: Log): Promise<Map<string, bigint>> {
  try {
    const stored: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (!isObject(stored)) throw new Error('want an object');
    return new Map(
      Object.entries(stored).map(([name, at]) => {
        if (typeof at !== 'string' || !/^[0-9]{1,18}$/.test(at)) throw new Error('want whole numbers in quotes');
        return [name, BigInt(at)];
      }),
    );
  } catch (error) {
    if (!isMissing(error))
      log.warn('which outcomes were told is not known: events since then are lost', { file, error: messageOf(error) });
    return new Map();
  }
}
