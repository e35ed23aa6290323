import { Address } from '@scure/btc-signer';
import { equal, fromHex } from '../../common/bytes.ts';
import type { BitcoinNetwork } from './networks.ts';

/** An output script that has an address: the address, and the least satoshis that the network relays to it. */
export type Addressed = { readonly address: string; readonly dust: bigint };

// What surrounds the one hash or key of each script that has an address, and what three satoshis a virtual byte cost to
// make and spend it, Bitcoin Core's default. Bytes are compared, not operations: spelt otherwise the same operations
// make a script that no address stands for.
const kinds = [
  { type: 'pkh', before: fromHex('76a914'), length: 20, after: fromHex('88ac'), dust: 546n },
  { type: 'sh', before: fromHex('a914'), length: 20, after: fromHex('87'), dust: 540n },
  { type: 'wpkh', before: fromHex('0014'), length: 20, after: fromHex(''), dust: 294n },
  { type: 'wsh', before: fromHex('0020'), length: 32, after: fromHex(''), dust: 330n },
  { type: 'tr', before: fromHex('5120'), length: 32, after: fromHex(''), dust: 330n },
] as const;

/** The address of `script`, or undefined where it has none: then only these bytes say who can spend. */
export function addressOf(script: Uint8Array, network: BitcoinNetwork): Addressed | undefined {
  const kind = kinds.find(
    ({ before, length, after }) =>
      script.length === before.length + length + after.length &&
      equal(script.subarray(0, before.length), before) &&
      equal(script.subarray(before.length + length), after),
  );
  if (kind === undefined) return undefined;
  const { type, before, length, dust } = kind;
  const program = script.slice(before.length, before.length + length);
  const address = Address(network).encode(type === 'tr' ? { type, pubkey: program } : { type, hash: program });
  return { address, dust };
}

/** The script that only a signature by the taproot output key `key` spends. */
export const taprootScript = (key: Uint8Array): Uint8Array => Uint8Array.of(0x51, 32, ...key);

/** The script that only a signature by the compressed public key of this hash spends (P2WPKH). */
export const keyHashScript = (keyHash: Uint8Array): Uint8Array => Uint8Array.of(0x00, 20, ...keyHash);
