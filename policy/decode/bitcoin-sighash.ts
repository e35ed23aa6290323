import { tagSchnorr } from '@scure/btc-signer/utils.js';
import { concat, sha256 } from '../../common/bytes.ts';

/** The amount that an input spends, in satoshis, and its hash type: DEFAULT or ALL. */
export type SpentInput = { readonly amount: bigint; readonly sighash: 0 | 1 };

const outpointBytes = 36;
const sequenceBytes = 4;
const inputBytes = outpointBytes + 1 + sequenceBytes;

/**
 * What the key path of each input signs, all of which spend `script`, by BIP-341's "Common signature message" without
 * annex. `unsigned` is the transaction with empty signature scripts and at most 252 inputs and outputs, so that their
 * counts are one byte. All inputs share the hashes of inputs and outputs, which the library makes anew for each.
 */
export function taprootSighashes(
  unsigned: Uint8Array,
  script: Uint8Array,
  inputs: readonly SpentInput[],
): readonly Uint8Array[] {
  const end = 5 + inputs.length * inputBytes;
  const read = inputs.map((_, i) => unsigned.subarray(5 + i * inputBytes, 5 + (i + 1) * inputBytes));
  const shared = concat(
    unsigned.subarray(0, 4),
    unsigned.subarray(-4),
    sha256(concat(...read.map((input) => input.subarray(0, outpointBytes)))),
    sha256(concat(...inputs.map(({ amount }) => little(amount, 8)))),
    sha256(concat(...inputs.map(() => concat(Uint8Array.of(script.length), script)))),
    sha256(concat(...read.map((input) => input.subarray(-sequenceBytes)))),
    sha256(unsigned.subarray(end + 1, -4)),
  );
  return inputs.map(({ sighash }, i) =>
    tagSchnorr('TapSighash', Uint8Array.of(0, sighash), shared, Uint8Array.of(0), little(BigInt(i), 4)),
  );
}

function little(value: bigint, bytes: number): Uint8Array {
  const buffer = new Uint8Array(8);
  new DataView(buffer.buffer).setBigUint64(0, value, true);
  return buffer.subarray(0, bytes);
}
