import { evmChains } from './evm-chains.ts';
import type { Coin } from './evm-chains.ts';

/** The namespace and reference of a CAIP-2 chain; "" and "" for what is bound to no chain. */
export function chainOf(id: string): { readonly chain: string; readonly namespace: string; readonly rest: string } {
  const [namespace = '', reference = ''] = id.split(/[:/]/, 2);
  const chain = `${namespace}:${reference}`;
  return { chain, namespace, rest: id.slice(chain.length + 1) };
}

/**
 * One form for each CAIP-10 account or CAIP-19 asset, so that equal means the same string: EVM addresses in lower case
 * (EIP-55's case is a checksum), Bitcoin's bech32 in lower case (BIP-173 knows it in one case only), base58 as it is.
 */
export function canonicalId(id: string): string {
  if (id.startsWith('eip155:')) return id.toLowerCase();
  return id.startsWith('bip122:') && /:(?:bc|tb|bcrt)1[^:]*$/i.test(id) ? id.toLowerCase() : id;
}

export type NativeAsset = { readonly id: string; readonly symbol: string; readonly decimals: number };

const natives: Readonly<Record<string, Coin>> = {
  solana: { coin: '501', symbol: 'SOL', decimals: 9 },
  bip122: { coin: '0', symbol: 'BTC', decimals: 8 },
};

/** What fees of `chain` are paid in; undefined for a chain that this version does not know. */
export function nativeAsset(chain: string): NativeAsset | undefined {
  const { namespace } = chainOf(chain);
  const native = evmChains.get(chain) ?? (Object.hasOwn(natives, namespace) ? natives[namespace] : undefined);
  return native === undefined
    ? undefined
    : { id: `${chain}/slip44:${native.coin}`, symbol: native.symbol, decimals: native.decimals };
}
