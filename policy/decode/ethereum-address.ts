import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { fromHex, hex, utf8 } from '../../common/bytes.ts';

/** 20 bytes as people write them, with the checksum of EIP-55 in the case of their digits. */
export function checksummed(address: Uint8Array): string {
  const digits = hex(address);
  const hash = hex(keccak_256(utf8(digits)));
  return `0x${[...digits].map((digit, i) => ((hash[i] ?? '0') < '8' ? digit : digit.toUpperCase())).join('')}`;
}

/** The address of a compressed public key; throws where that is no point of the curve. */
export const ethereumAddress = (publicKey: Uint8Array): string =>
  checksummed(keccak_256(secp256k1.Point.fromBytes(publicKey).toBytes(false).subarray(1)).subarray(12));

/**
 * What is wrong with an address, as the end of a sentence; undefined for 0x and 40 digits of hex. Digits in both cases
 * must carry the checksum of EIP-55; those in one case have none.
 */
export function ethereumAddressProblem(address: string): string | undefined {
  const digits = /^0x([0-9a-fA-F]{40})$/.exec(address)?.[1];
  if (digits === undefined) return 'want 0x and 40 hex digits';
  if (digits === digits.toLowerCase() || digits === digits.toUpperCase()) return undefined;
  return checksummed(fromHex(digits.toLowerCase())) === address
    ? undefined
    : 'the checksum in its upper and lower case (EIP-55) is wrong, so a digit is';
}
