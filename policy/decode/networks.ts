import { NETWORK, TEST_NETWORK } from '@scure/btc-signer';

/** Solana clusters by CAIP-2 chain: the first 32 characters of the hash of their genesis. */
export const solanaChains: ReadonlySet<string> = new Set([
  'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp', // mainnet
  'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1', // devnet
  'solana:4uhcVJyU9pJkvQyS88uRDiswHXSCkY3z', // testnet
]);

/** What addresses of a Bitcoin network begin with. */
export type BitcoinNetwork = typeof NETWORK;

const regtest: BitcoinNetwork = { ...TEST_NETWORK, bech32: 'bcrt' };

/** Bitcoin networks by CAIP-2 chain: the first 32 hex digits of the hash of their first block. */
export const bitcoinNetworks: ReadonlyMap<string, BitcoinNetwork> = new Map([
  ['bip122:000000000019d6689c085ae165831e93', NETWORK],
  ['bip122:000000000933ea01ad0ee984209779ba', TEST_NETWORK], // testnet3
  ['bip122:00000000da84f2bafbbc53dee25a72ae', TEST_NETWORK], // testnet4
  ['bip122:00000008819873e925422c1ff0f99f7c', TEST_NETWORK], // signet
  ['bip122:0f9188f13cb7b2c71f2a335e3a4fc328', regtest],
]);
