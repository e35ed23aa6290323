import { createNoopSigner, getAddressDecoder, type Address } from '@solana/kit';
import { getTransferSolInstruction } from '@solana-program/system';
import { devnet, wire } from '../../../policy/decode/testing/solana.ts';

export { devnet, sol } from '../../../policy/decode/testing/solana.ts';

const addressOf = (bytes: Uint8Array): Address => getAddressDecoder().decode(bytes);

/** The account of 32 bytes, as CAIP-10 on devnet. */
export const account = (bytes: Uint8Array): string => `${devnet}:${addressOf(bytes)}`;

/** A wire transaction, unsigned, that pays `lamports` from the key to `destination`. */
export function payment(publicKey: Uint8Array, destination: Uint8Array, lamports: bigint): Uint8Array {
  const address = addressOf(publicKey);
  const signer = createNoopSigner(address);
  const transfer = getTransferSolInstruction({ source: signer, destination: addressOf(destination), amount: lamports });
  return wire({ address, bytes: publicKey, signer, sign: () => new Uint8Array(64) }, [transfer]);
}
