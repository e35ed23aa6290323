import { base58 } from '@scure/base';
import { ed25519 } from '@noble/curves/ed25519.js';
import { concat, quote, sha256, utf8 } from '../../common/bytes.ts';

export const associatedTokenProgram = 'ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL';

const programBytes = base58.decode(associatedTokenProgram);
const suffix = utf8('ProgramDerivedAddress');

/**
 * The token account of `owner` for `mint` under token program `program`, all base58: the first derived address off the
 * curve. Throws where one is no address. It takes some hundred microseconds.
 */
export function associatedTokenAccount(owner: string, mint: string, program: string): string {
  const seeds = concat(addressBytes(owner), addressBytes(program), addressBytes(mint));
  for (let bump = 255; bump >= 0; bump--) {
    const address = sha256(concat(seeds, Uint8Array.of(bump), programBytes, suffix));
    if (!isOnCurve(address)) return base58.encode(address);
  }
  throw new Error('no address off the curve, which no one has ever seen');
}

/** The 32 bytes of a base58 address; throws on anything else. */
function addressBytes(address: string): Uint8Array {
  try {
    const bytes = base58.decode(address.slice(0, 45));
    if (bytes.length === 32 && address.length < 45) return bytes;
  } catch {
    // Not base58: the same error.
  }
  throw new Error(`want a Solana address, 32 bytes in base58, got ${quote(address)}`);
}

/** As the chain judges it, which decompresses by the rules of ZIP 215. */
function isOnCurve(bytes: Uint8Array): boolean {
  try {
    ed25519.Point.fromBytes(bytes, true);
    return true;
  } catch {
    return false;
  }
}
