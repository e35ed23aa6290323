import { Address, OutScript } from '@scure/btc-signer';
import { equal } from '../../common/bytes.ts';
import type { BitcoinNetwork } from './networks.ts';

/** An output script that has an address: the address, and the least satoshis that the network relays to it. */
export type Addressed = { readonly address: string; readonly dust: bigint };

// What three satoshis a virtual byte cost to make and spend such an output: Bitcoin Core's default.
const dust = { pkh: 546n, sh: 540n, wpkh: 294n, wsh: 330n, tr: 330n } as const;

const longest = 34; // 32 bytes of witness program, its version and length

/**
 * The address of `script`, or undefined where it has none: then only these bytes say who can spend. Scripts are compared
 * as bytes, since the same operations may be spelt otherwise in a script that no address stands for.
 */
export function addressOf(script: Uint8Array, network: BitcoinNetwork): Addressed | undefined {
  if (script.length > longest) return undefined;
  try {
    const output = OutScript.decode(script);
    if (!(output.type in dust) || !equal(OutScript.encode(output), script)) return undefined;
    return { address: Address(network).encode(output), dust: dust[output.type as keyof typeof dust] };
  } catch {
    return undefined; // No script at all, which may stand in a transaction all the same.
  }
}

/** The script that only a signature by the taproot output key `key` spends. */
export const taprootScript = (key: Uint8Array): Uint8Array => Uint8Array.of(0x51, 32, ...key);
