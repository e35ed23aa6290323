import { messageOf, Refused } from '../../common/errors.ts';
import type { Reason } from '../../common/reasons.ts';
import { BadCommitment, Banned, Culprit } from '../scheme/scheme.ts';
import type { Roster } from './roster.ts';

/** Why an attempt at a key failed at one holder. `culprits`: whose messages failed a cryptographic check here. */
export type KeygenFailure = {
  readonly reason: Reason;
  readonly message: string;
  readonly culprits: readonly string[];
};

export function keygenFailure(error: unknown, roster: Roster): KeygenFailure {
  const message = messageOf(error);
  if (error instanceof Culprit || error instanceof BadCommitment || error instanceof Banned) {
    // Nothing is kept of a ban here: the next attempt shares nothing with this one.
    const identifiers = error instanceof Banned ? [error.identifier] : error.identifiers;
    const culprits = identifiers.map((i) => roster.nameOf(i)).filter((name) => name !== roster.me.name);
    if (culprits.length > 0)
      return {
        reason: 'CulpritFound',
        message: `a check failed on what ${culprits.join(', ')} sent: ${message}`,
        culprits,
      };
  }
  return { reason: error instanceof Refused ? error.reason : 'Internal', message, culprits: [] };
}

const FIRST_PAUSE = 300;
const LONGEST_PAUSE = 30_000;

/**
 * Milliseconds before a key that failed `failures` times is tried again: each attempt leaves records behind, and
 * whoever makes them fail must not fill anyone's disk. `chance` is in 0 to 1.
 */
export const retryPause = (failures: number, chance: number): number =>
  Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.max(0, failures - 1)) * (0.75 + chance / 4);
