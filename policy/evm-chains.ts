/** What a chain's fees are paid in; `coin` is its number in SLIP-44. */
export type Coin = { readonly coin: string; readonly symbol: string; readonly decimals: number };

const evmCoin = (coin: string, symbol: string): Coin => ({ coin, symbol, decimals: 18 });
const ether = evmCoin('60', 'ETH');

/**
 * EVM chains by CAIP-2 chain, whose reference is their chain id. A chain that is not listed is not decoded: what its coin is, which rules and limits would name,
 * is not in its transactions.
 */
export const evmChains: ReadonlyMap<string, Coin> = new Map([
  ['eip155:1', ether],
  ['eip155:11155111', ether], // Sepolia
  ['eip155:560048', ether], // Hoodi
  ['eip155:10', ether], // OP Mainnet
  ['eip155:11155420', ether], // OP Sepolia
  ['eip155:8453', ether], // Base
  ['eip155:84532', ether], // Base Sepolia
  ['eip155:42161', ether], // Arbitrum One
  ['eip155:421614', ether], // Arbitrum Sepolia
  ['eip155:59144', ether], // Linea
  ['eip155:1337', ether], // chains on one's own machine: Geth and Ganache
  ['eip155:31337', ether], // Anvil and Hardhat
  ['eip155:137', evmCoin('966', 'POL')], // Polygon
  ['eip155:80002', evmCoin('966', 'POL')], // Polygon Amoy
  ['eip155:56', evmCoin('714', 'BNB')], // BNB Smart Chain
  ['eip155:43114', evmCoin('9005', 'AVAX')], // Avalanche C-Chain
  ['eip155:100', evmCoin('700', 'xDAI')], // Gnosis
]);
