import { base58 } from '@scure/base';
import { Address, OutScript } from '@scure/btc-signer';
import { quote } from '../common/bytes.ts';
import { messageOf } from '../common/errors.ts';
import { canonicalId, chainOf, nativeAsset } from './caip.ts';
import { addressOf } from './decode/bitcoin-script.ts';
import { ethereumAddressProblem } from './decode/ethereum-address.ts';
import { bitcoinNetworks } from './decode/networks.ts';
import { evmChains } from './evm-chains.ts';

/* Identifiers that have the right form and still cannot be: a rule that names one would silently never match. */

/** What is wrong with a CAIP-2 chain; undefined for chains of namespaces that this version does not know. */
export function chainProblem(chain: string): string | undefined {
  const { namespace } = chainOf(chain);
  const reference = chain.slice(namespace.length + 1);
  switch (namespace) {
    case 'solana':
      return /^[1-9A-HJ-NP-Za-km-z]{32}$/.test(reference)
        ? undefined
        : `want solana: and the first 32 characters of the cluster's genesis hash, got ${quote(reference)}`;
    case 'bip122':
      return /^[0-9a-f]{32}$/.test(reference)
        ? undefined
        : `want bip122: and the first 32 hex digits of the first block's hash, got ${quote(reference)}`;
    case 'eip155':
      return /^[1-9][0-9]*$/.test(reference) ? undefined : `want eip155: and a chain id, got ${quote(reference)}`;
    default:
      return undefined;
  }
}

/** What is wrong with a CAIP-10 account. */
export function addressProblem(account: string): string | undefined {
  const { chain, namespace, rest } = chainOf(account);
  const problem = chainProblem(chain);
  if (problem !== undefined) return problem;
  switch (namespace) {
    case 'solana':
      return solanaProblem(rest, 'address');
    case 'bip122':
      return bitcoinProblem(chain, rest);
    case 'eip155':
      return evmProblem(rest);
    default:
      return undefined;
  }
}

/** What is wrong with a CAIP-19 asset. */
export function assetProblem(asset: string): string | undefined {
  const { chain, namespace, rest } = chainOf(asset);
  const problem = chainProblem(chain);
  if (problem !== undefined) return problem;
  const [kind = '', reference = ''] = rest.split(':', 2);
  if (namespace === 'solana' && kind === 'token') return solanaProblem(reference, 'mint');
  if (namespace === 'eip155' && !evmChains.has(chain))
    return `chain ${chain} is not in this version, so no transaction would ever move this`;
  if (namespace === 'eip155' && kind === 'erc20') return evmProblem(reference);
  const native = nativeAsset(chain);
  if (native === undefined || native.id === asset) return undefined;
  const tokens =
    namespace === 'solana'
      ? ` or ${chain}/token: and a mint`
      : namespace === 'eip155'
        ? ` or ${chain}/erc20: and an address`
        : '';
  return `want ${native.id}${tokens}, got ${quote(asset)}`;
}

function solanaProblem(address: string, what: string): string | undefined {
  let length = 0;
  try {
    length = base58.decode(address).length;
  } catch {
    return `want a Solana ${what} in base58, got ${quote(address)}`;
  }
  return length === 32 ? undefined : `want a Solana ${what} of 32 bytes in base58, got ${length} in ${quote(address)}`;
}

function bitcoinProblem(chain: string, address: string): string | undefined {
  const network = bitcoinNetworks.get(chain);
  if (network === undefined) return undefined;
  try {
    // An address of another kind, like one of a future witness version, is never what a script decodes to.
    const decoded = addressOf(OutScript.encode(Address(network).decode(address)), network);
    const same =
      decoded !== undefined && canonicalId(`${chain}:${decoded.address}`) === canonicalId(`${chain}:${address}`);
    return same ? undefined : `no payment that is decoded has this address, got ${quote(address)}`;
  } catch (error) {
    return `not an address of this Bitcoin network: ${messageOf(error)}, got ${quote(address)}`;
  }
}

function evmProblem(address: string): string | undefined {
  const problem = ethereumAddressProblem(address);
  return problem === undefined ? undefined : `${problem}, got ${quote(address)}`;
}
