import { fromHex } from '../common/bytes.ts';
import { UserError } from '../common/errors.ts';
import { addressesOf, keyHashAddress, taprootAddress } from '../policy/address.ts';
import type { AddressMap } from '../policy/address.ts';
import { ethereumAddress } from '../policy/decode/ethereum-address.ts';
import { bitcoinNetworks } from '../policy/decode/networks.ts';
import type { SchemeName } from '../policy/effect.ts';
import { chainNamed } from './chains.ts';
import { exitCodes } from './exit-codes.ts';
import type { NamespaceOptions } from './namespace.ts';
import type { Session } from './session.ts';
import { targetOf } from './target.ts';
import type { TargetOptions } from './target.ts';
import { certificateOf, connectionTo } from './wallet-connection.ts';

export type AddressOptions = TargetOptions &
  NamespaceOptions & { readonly chain?: string; readonly path?: string; readonly output?: 'json' };

/** Shows where to pay to, from the certificate that all holders signed. */
export async function showAddress(
  session: Session,
  wallet: string,
  keyName: string,
  options: AddressOptions,
): Promise<void> {
  if (options.path !== undefined)
    throw new UserError('--path: derived keys are not in this version', ['they come with ECDSA'], exitCodes.usage);
  const connection = await connectionTo(session, targetOf(session, options), wallet, options);
  const { key, scheme, publicKey } = certificateOf(connection, keyName);
  const addresses = addressesOn(scheme, fromHex(publicKey), options.chain);
  if (options.output === 'json')
    return session.print(
      JSON.stringify(
        { wallet: connection.wallet, genesis: connection.genesis, key, scheme, publicKey, addresses },
        undefined,
        2,
      ),
    );
  for (const address of Object.values(addresses)) session.print(address);
}

function addressesOn(scheme: SchemeName, publicKey: Uint8Array, word: string | undefined): AddressMap {
  if (word === undefined) return addressesOf(scheme, publicKey);
  const chain = chainNamed(word);
  const network = bitcoinNetworks.get(chain);
  if (scheme === 'Schnorr' && network !== undefined) return { [word]: taprootAddress(publicKey, network) };
  if (scheme === 'ECDSA' && network !== undefined) return { [word]: keyHashAddress(publicKey, network) };
  if (scheme === 'EdDSA' && chain.startsWith('solana:')) return addressesOf(scheme, publicKey);
  if (scheme === 'ECDSA' && chain.startsWith('eip155:')) return { [word]: ethereumAddress(publicKey) };
  throw new UserError(`--chain: ${word} has no addresses of ${scheme} keys`);
}
