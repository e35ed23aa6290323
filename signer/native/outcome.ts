import { BadCommitment, Banned, Culprit, Suspects } from '../scheme/scheme.ts';
import type { Fault, Outcome } from './index.d.ts';

/** The value of a call of the addon; throws what its fault means to whoever runs a scheme. */
export function valueOf<T extends object>(outcome: Outcome<T>): T {
  if (!isFault(outcome)) return outcome;
  const { fault, parties, message } = outcome;
  switch (fault) {
    case 'Culprit':
      throw new Culprit(parties, message);
    case 'BadCommitment':
      throw new BadCommitment(parties);
    case 'Suspects':
      throw new Suspects(parties, message);
    case 'Ban':
      throw new Banned(parties[0] as number, message);
    case 'Refused':
    case 'Panic':
      throw new Error(message);
  }
}

const isFault = (outcome: object): outcome is Fault => 'fault' in outcome;
