import { statSync } from 'node:fs';
import type { Clock } from '../../common/clock.ts';
import { UserError } from '../../common/errors.ts';
import { isMissing } from '../atomic-file.ts';

/** How long an operator may go on without its state. Milliseconds. */
const lookMs = 1_000;

/**
 * Calls `onGone` once another folder, or none, is where the state folder was. Whatever the operator wrote from then on
 * would be missed by those who look for it where the state has gone. Returns what ends the watch.
 */
export function watchStateFolder(state: string, clock: Clock, onGone: (error: UserError) => void): () => void {
  const opened = identityOf(state);
  let cancel = (): void => {};
  const look = (): void => {
    const found = identityOf(state);
    if (found === opened || found === undefined) cancel = clock.after(lookMs, look);
    else
      onGone(
        new UserError(`the state folder ${state} was moved or deleted while the operator ran`, [
          'put it back before you start again: the shares are in it, and without it new wallets would be founded',
        ]),
      );
  };
  cancel = clock.after(lookMs, look);
  return () => cancel();
}

/** What stays the same of a folder wherever it is moved; "" where none is, undefined where that cannot be told now. */
function identityOf(folder: string): string | undefined {
  try {
    const { dev, ino } = statSync(folder, { bigint: true });
    return `${dev} ${ino}`;
  } catch (error) {
    return isMissing(error) ? '' : undefined;
  }
}
