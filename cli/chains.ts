import { quote } from '../common/bytes.ts';
import { UserError } from '../common/errors.ts';
import { nearest } from '../common/nearest.ts';
import { exitCodes } from './exit-codes.ts';

/** Names of networks for `--chain`, and what statements call them (CAIP-2). */
export const chainNames: Readonly<Record<string, string>> = {
  solana: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp',
  'solana-devnet': 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1',
  'solana-testnet': 'solana:4uhcVJyU9pJkvQyS88uRDiswHXSCkY3z',
  bitcoin: 'bip122:000000000019d6689c085ae165831e93',
  'bitcoin-testnet': 'bip122:000000000933ea01ad0ee984209779ba',
  'bitcoin-testnet4': 'bip122:00000000da84f2bafbbc53dee25a72ae',
  'bitcoin-signet': 'bip122:00000008819873e925422c1ff0f99f7c',
  'bitcoin-regtest': 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328',
  ethereum: 'eip155:1',
  sepolia: 'eip155:11155111',
  base: 'eip155:8453',
  optimism: 'eip155:10',
  arbitrum: 'eip155:42161',
  polygon: 'eip155:137',
};

/** The CAIP-2 chain that `--chain` means: a name of {@link chainNames}, or a chain itself. */
export function chainNamed(word: string): string {
  const named = Object.hasOwn(chainNames, word) ? chainNames[word] : undefined;
  if (named !== undefined) return named;
  if (/^[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}$/.test(word)) return word;
  const names = Object.keys(chainNames);
  const meant = nearest(word, names);
  throw new UserError(
    `--chain: want ${names.join(', ')} or a CAIP-2 chain, got ${quote(word)}`,
    meant === undefined ? [] : [`did you mean ${meant}?`],
    exitCodes.usage,
  );
}
