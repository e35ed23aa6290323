import { hex } from '../common/bytes.ts';
import { UserError } from '../common/errors.ts';
import { addressesOf, keyHashAddress, taprootAddress } from '../policy/address.ts';
import type { AddressMap } from '../policy/address.ts';
import { extendedPublicKey, keyAt } from '../policy/child-key.ts';
import { ethereumAddress } from '../policy/decode/ethereum-address.ts';
import { bitcoinNetworks } from '../policy/decode/networks.ts';
import type { SchemeName } from '../policy/effect.ts';
import { chainNamed } from './chains.ts';
import { childPath, parentOf } from './child-path.ts';
import type { NamespaceOptions } from './namespace.ts';
import type { Session } from './session.ts';
import { targetOf } from './target.ts';
import type { TargetOptions } from './target.ts';
import { certificateOf, connectionTo } from './wallet-connection.ts';

export type AddressOptions = TargetOptions &
  NamespaceOptions & {
    readonly chain?: string;
    readonly path?: string;
    readonly xpub?: true;
    readonly output?: 'json';
  };

/** Shows where to pay to, a key or its child, from the certificate that all holders signed. */
export async function showAddress(
  session: Session,
  wallet: string,
  keyName: string,
  options: AddressOptions,
): Promise<void> {
  const path = childPath(options.path);
  const connection = await connectionTo(session, targetOf(session, options), wallet, options);
  const certificate = certificateOf(connection, keyName);
  const root = parentOf(certificate, path);
  const { key, scheme } = certificate;
  if (options.xpub === true) {
    if (scheme !== 'ECDSA')
      throw new UserError(`--xpub: key ${key} is of scheme ${scheme}, and only ECDSA keys have children to derive`);
    return session.print(extendedPublicKey(root, path));
  }
  const { bytes } = keyAt(root, path);
  const addresses = addressesOn(scheme, bytes, options.chain);
  if (options.output === 'json') {
    const { wallet, genesis } = connection;
    const extended = scheme === 'ECDSA' && { extendedPublicKey: extendedPublicKey(root, path) };
    return session.print(
      JSON.stringify(
        { wallet, genesis, key, path, scheme, publicKey: hex(bytes), ...extended, addresses },
        undefined,
        2,
      ),
    );
  }
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
