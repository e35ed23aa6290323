import { tagSchnorr } from '@scure/btc-signer/utils.js';
import { concat, fromHex, sha256 } from '../../common/bytes.ts';

/** The amount that an input spends, in satoshis, and its hash type: DEFAULT or ALL. */
export type SpentInput = { readonly amount: bigint; readonly sighash: 0 | 1 };

const amountBytes = 8;
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
  const { version, outpoints, sequences, outputs, lockTime } = partsOf(unsigned, inputs.length);
  const shared = concat(
    version,
    lockTime,
    sha256(concat(...outpoints)),
    sha256(concat(...inputs.map(({ amount }) => little(amount, amountBytes)))),
    sha256(concat(...inputs.map(() => concat(Uint8Array.of(script.length), script)))),
    sha256(concat(...sequences)),
    sha256(outputs),
  );
  return inputs.map(({ sighash }, i) =>
    tagSchnorr('TapSighash', Uint8Array.of(0, sighash), shared, Uint8Array.of(0), little(BigInt(i), 4)),
  );
}

/**
 * What each input signs with hash type ALL, all of which spend the P2WPKH output of `keyHash` (20 bytes), by BIP-143.
 * `unsigned` is as for {@link taprootSighashes}, and what the library makes anew is shared likewise.
 */
export function keyHashSighashes(
  unsigned: Uint8Array,
  keyHash: Uint8Array,
  inputs: readonly Pick<SpentInput, 'amount'>[],
): readonly Uint8Array[] {
  const { version, outpoints, sequences, outputs, lockTime } = partsOf(unsigned, inputs.length);
  const before = concat(version, sha256Twice(concat(...outpoints)), sha256Twice(concat(...sequences)));
  // The script code of P2WPKH: what a P2PKH output of this hash would be.
  const code = concat(fromHex('1976a914'), keyHash, fromHex('88ac'));
  const after = concat(sha256Twice(outputs), lockTime, little(1n, 4));
  return inputs.map(({ amount }, i) =>
    sha256Twice(
      concat(
        before,
        outpoints[i] ?? new Uint8Array(),
        code,
        little(amount, amountBytes),
        sequences[i] ?? new Uint8Array(),
        after,
      ),
    ),
  );
}

/** The parts of an unsigned transaction that sighashes are made of; see {@link taprootSighashes} for its form. */
function partsOf(unsigned: Uint8Array, inputs: number) {
  const end = 5 + inputs * inputBytes;
  const read = Array.from({ length: inputs }, (_, i) =>
    unsigned.subarray(5 + i * inputBytes, 5 + (i + 1) * inputBytes),
  );
  return {
    version: unsigned.subarray(0, 4),
    outpoints: read.map((input) => input.subarray(0, outpointBytes)),
    sequences: read.map((input) => input.subarray(-sequenceBytes)),
    outputs: unsigned.subarray(end + 1, -4),
    lockTime: unsigned.subarray(-4),
  };
}

const sha256Twice = (bytes: Uint8Array): Uint8Array => sha256(sha256(bytes));

function little(value: bigint, bytes: number): Uint8Array {
  const buffer = new Uint8Array(8);
  new DataView(buffer.buffer).setBigUint64(0, value, true);
  return buffer.subarray(0, bytes);
}
