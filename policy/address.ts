import { base58 } from '@scure/base';
import { Address, NETWORK } from '@scure/btc-signer';
import { hash160 } from '@scure/btc-signer/utils.js';
import { ethereumAddress } from './decode/ethereum-address.ts';
import type { BitcoinNetwork } from './decode/networks.ts';
import type { SchemeName } from './effect.ts';

/** Address of a taproot output key: BIP-86's, since the key was tweaked when it was made and is encoded as it is. */
export const taprootAddress = (outputKey: Uint8Array, network: BitcoinNetwork = NETWORK): string =>
  Address(network).encode({ type: 'tr', pubkey: outputKey });

/** Address of the P2WPKH output of a compressed public key. */
export const keyHashAddress = (publicKey: Uint8Array, network: BitcoinNetwork = NETWORK): string =>
  Address(network).encode({ type: 'wpkh', hash: hash160(publicKey) });

/** Addresses by network: `solana`, `bitcoin` or `ethereum`, each the main one. */
export type AddressMap = Readonly<Record<string, string>>;

/** Addresses of a key; throws where an ECDSA key is no point of its curve. */
export function addressesOf(scheme: SchemeName, publicKey: Uint8Array): AddressMap {
  switch (scheme) {
    case 'EdDSA':
      return { solana: base58.encode(publicKey) };
    case 'Schnorr':
      return { bitcoin: taprootAddress(publicKey) };
    case 'ECDSA':
      return { ethereum: ethereumAddress(publicKey) };
  }
}
