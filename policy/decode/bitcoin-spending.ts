import { secp256k1 } from '@noble/curves/secp256k1.js';
import { SigHash } from '@scure/btc-signer';
import { hash160 } from '@scure/btc-signer/utils.js';
import { concat } from '../../common/bytes.ts';
import { maxDataBytes } from '../../statement/statement-forms.ts';
import type { PublicKey } from '../effect.ts';
import { keyHashScript, taprootScript } from './bitcoin-script.ts';
import { keyHashSighashes, taprootSighashes } from './bitcoin-sighash.ts';
import type { SpentInput } from './bitcoin-sighash.ts';

/** How a key spends its outputs: all of them have one script. */
export type Spending = {
  readonly script: Uint8Array;
  /** Ends the sentence that a field is not needed by. */
  readonly by: string;
  /** The longest PSBT. */
  readonly mostBytes: number;
  /** Whether inputs must bring the transactions that they spend. */
  readonly needsPrevious: boolean;
  /** What inputs may say beside what all may. */
  readonly fields: readonly string[];
  /** Hash types that inputs may name; the first where they name none. */
  readonly hashTypes: readonly (0 | 1)[];
  readonly signatureBytes: number;
  readonly sighashes: (unsigned: Uint8Array, inputs: readonly SpentInput[]) => readonly Uint8Array[];
  readonly witness: (signature: Uint8Array, hashType: 0 | 1) => Uint8Array[];
};

/** A Schnorr key spends by its taproot key path and an ECDSA key by its hash; neither spends what the other does. */
export const spendingOf = ({ scheme, bytes }: PublicKey): Spending =>
  scheme === 'ECDSA' ? byKeyHash(bytes) : byTaproot(bytes);

/**
 * Amounts of previous outputs are claims, yet nothing is lost by believing them: every input is signed here by hash type
 * DEFAULT or ALL, and BIP-341 hashes the amounts and scripts of all inputs, so that where one is a lie no signature is
 * valid and nothing moves. The fee is therefore what is paid, or nothing is.
 */
function byTaproot(key: Uint8Array): Spending {
  const script = taprootScript(key);
  return {
    script,
    by: 'a taproot key path',
    mostBytes: 32_768,
    needsPrevious: false,
    fields: ['tapInternalKey', 'tapMerkleRoot', 'tapBip32Derivation'],
    hashTypes: [SigHash.DEFAULT, SigHash.ALL],
    signatureBytes: 64,
    sighashes: (unsigned, inputs) => taprootSighashes(unsigned, script, inputs),
    // BIP-341: 64 bytes mean DEFAULT, any other hash type follows the signature.
    witness: (signature, hashType) => [
      hashType === SigHash.DEFAULT ? signature : concat(signature, Uint8Array.of(hashType)),
    ],
  };
}

/**
 * BIP-143 hashes the amount of the one input alone: of two signed after each other with other lies a transaction could be
 * made whose fee nobody has seen. So the transactions that are spent must be there, and their ids prove the amounts.
 */
function byKeyHash(key: Uint8Array): Spending {
  const keyHash = hash160(key);
  return {
    script: keyHashScript(keyHash),
    by: 'a P2WPKH output',
    mostBytes: maxDataBytes,
    needsPrevious: true,
    fields: ['bip32Derivation'],
    hashTypes: [SigHash.ALL],
    signatureBytes: 65,
    sighashes: (unsigned, inputs) => keyHashSighashes(unsigned, keyHash, inputs),
    // r and s in DER, without the recovery id.
    witness: (signature, hashType) => [
      concat(secp256k1.Signature.fromBytes(signature.subarray(0, 64)).toBytes('der'), Uint8Array.of(hashType)),
      key,
    ],
  };
}
