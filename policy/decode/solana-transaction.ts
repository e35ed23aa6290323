import { base58 } from '@scure/base';
import { ed25519 } from '@noble/curves/ed25519.js';
import { concat } from '../../common/bytes.ts';
import { Refused } from '../../common/errors.ts';
import type { Decoded, Effect, Payload, PublicKey } from '../effect.ts';
import { BytesReader } from './bytes-reader.ts';
import { associatedTokenProgram } from './associated-token-account.ts';
import { computeBudgetProgram, worstFee } from './solana-fee.ts';
import { decodeMemo, memoPrograms } from './solana-memo.ts';
import { readMessage } from './solana-message.ts';
import { callOf, solAsset } from './solana-programs.ts';
import type { ProgramDecoder } from './solana-programs.ts';
import { decodeSystem, systemProgram } from './solana-system.ts';
import { decodeTokenAccount } from './solana-token-account.ts';
import { decodeToken, token2022Program, tokenProgram } from './solana-token.ts';

// What the network carries in one packet.
const mostBytes = 1_232;
const signatureBytes = 64;

const programs: ReadonlyMap<string, ProgramDecoder> = new Map([
  [systemProgram, decodeSystem],
  [tokenProgram, decodeToken],
  [token2022Program, decodeToken],
  [associatedTokenProgram, decodeTokenAccount],
  ...memoPrograms.map((program) => [program, decodeMemo] as const),
]);

/**
 * Reads a wire transaction: signatures, then the message that is signed. The slot of `key` may hold anything; every
 * other signature must be there and verify, so that what comes out is finished: these very bytes with one slot filled.
 */
export function decodeSolana({ chain, data: given }: Payload, key: PublicKey): Decoded {
  const data = Uint8Array.from(given);
  if (data.length > mostBytes)
    throw new Refused('Malformed', `transaction: want at most ${mostBytes} bytes, got ${data.length}`);
  const reader = new BytesReader(data);
  const count = reader.length('transaction: signatures');
  const signatures = Array.from({ length: count }, (_, i) =>
    reader.take(signatureBytes, `transaction: signature ${i}`),
  );
  const bytes = reader.rest();
  const message = readMessage(bytes);
  const { signers, instructions } = message;
  const address = base58.encode(key.bytes);
  if (signers.length !== count)
    throw new Refused('Malformed', `transaction: want ${signers.length} signatures, one a signer, got ${count}`);
  const slot = signers.indexOf(address);
  if (slot === -1)
    throw new Refused('Malformed', `transaction: is signed by ${signers.join(', ')}, not by this key ${address}`);
  signers.forEach((signer, i) => {
    if (i !== slot && !verifies(signatures[i], bytes, signer))
      throw new Refused(
        'Undecodable',
        `transaction: the signature of ${signer} is missing or wrong: it must sign before this key`,
      );
  });
  const context = { chain, key: address };
  const effects = instructions
    .filter(({ program }) => program !== computeBudgetProgram)
    .flatMap((instruction): readonly Effect[] => {
      const program = programs.get(instruction.program);
      return program === undefined ? [callOf(instruction, context)] : program(instruction, context);
    });
  // Where another pays it is a fee of nothing, so that a chain for which the policy knows no fees is denied all the same.
  const amount = slot === 0 ? worstFee(message) : 0n;
  return {
    effects,
    fees: [{ chain, asset: solAsset(chain), amount }],
    messages: [bytes],
    finish: ([signature, ...more]) => {
      if (signature?.length !== signatureBytes || more.length > 0)
        throw new Error(`transaction: want one signature of ${signatureBytes} bytes`);
      const all = signatures.with(slot, signature);
      return {
        transaction: concat(data.subarray(0, data.length - bytes.length - count * signatureBytes), ...all, bytes),
        id: base58.encode(all[0] ?? signature),
      };
    },
  };
}

function verifies(signature: Uint8Array | undefined, message: Uint8Array, signer: string): boolean {
  try {
    return signature !== undefined && ed25519.verify(signature, message, base58.decode(signer), { zip215: false });
  } catch {
    return false;
  }
}
