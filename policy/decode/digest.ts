import { hex } from '../../common/bytes.ts';
import { Refused } from '../../common/errors.ts';
import type { Decoded, Payload, PublicKey } from '../effect.ts';

// A Solana message has 69 bytes at least (header 3, one account 33, blockhash 32, no instruction 1), an off-chain one
// 53: a SHA-512 of 64 bytes or SHA-256 of 32 is never a transaction, and the first byte tells it from a message.
const sizes = { EdDSA: [32, 64], Schnorr: [32], ECDSA: [32] } as const;

/** Raw bytes whose meaning nobody here can know: one effect that only a rule naming Digest allows. */
export function decodeDigest({ chain, data }: Payload, { scheme }: PublicKey): Decoded {
  if (chain !== '') throw new Refused('Malformed', `a digest belongs to no chain: leave chain empty, got ${chain}`);
  const want: readonly number[] = sizes[scheme];
  if (!want.includes(data.length))
    throw new Refused('Malformed', `digest: want ${want.join(' or ')} bytes for ${scheme}, got ${data.length}`);
  if (data[0] === 0xff && isOffchain(data))
    throw new Refused('Malformed', 'digest: begins like an off-chain message: use format Message');
  return {
    effects: [{ kind: 'Digest', chain: '', text: `signs the raw bytes ${hex(data)}, whatever they stand for` }],
    fees: [],
    messages: [Uint8Array.from(data)],
  };
}

const isOffchain = (data: Uint8Array): boolean =>
  Buffer.from(data).subarray(1, 16).equals(Buffer.from('solana offchain'));
