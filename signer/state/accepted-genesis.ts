import { readFileSync } from 'node:fs';
import { digest as digestOf, equal } from '../../common/bytes.ts';
import { messageOf, Refused } from '../../common/errors.ts';

const NEWLINE = 0x0a;

/**
 * What the owner of a signer accepts: the genesis statement that is in `file`. It is read for each genesis that comes, so
 * that the owner can look at one, and write it there, while the signer runs. A newline that an editor put at its end
 * does not matter. Throws GenesisNotAccepted on any other.
 */
export function acceptedIn(file: string): (genesis: Uint8Array) => void {
  return (genesis) => {
    const why = difference(file, genesis);
    if (why !== '')
      throw new Refused('GenesisNotAccepted', `the owner has not accepted genesis ${digestOf(genesis)}: ${why}`);
  };
}

function difference(file: string, genesis: Uint8Array): string {
  try {
    const bytes = readFileSync(file);
    const accepted = bytes.at(-1) === NEWLINE ? bytes.subarray(0, -1) : bytes;
    return equal(accepted, genesis) ? '' : `${file} has ${digestOf(accepted)}`;
  } catch (error) {
    return messageOf(error);
  }
}
