import { Option } from 'commander';
import type { Command } from 'commander';
import { fromHex } from '../common/bytes.ts';
import { UserError } from '../common/errors.ts';
import { addressesOf, taprootAddress } from '../policy/address.ts';
import { bitcoinNetworks } from '../policy/decode/networks.ts';
import { chainNamed } from './chains.ts';
import { examples } from './examples.ts';
import { exitCodes } from './exit-codes.ts';
import { withNamespace } from './namespace.ts';
import type { NamespaceOptions } from './namespace.ts';
import type { Session } from './session.ts';
import { targetOf, withTarget } from './target.ts';
import type { TargetOptions } from './target.ts';
import { certificateOf, connectionTo } from './wallet-connection.ts';

type Options = TargetOptions &
  NamespaceOptions & { readonly chain?: string; readonly path?: string; readonly output?: 'json' };

/** `holdfast address`: where to pay to, from the certificate that all holders signed. */
export function addAddress(program: Command, session: Session): void {
  withNamespace(withTarget(program.command('address')))
    .summary("show a key's address, from the certificate of all holders")
    .description(
      "Shows the address of a wallet's key. It is computed from the certificate that every holder signed, and shown only\n" +
        'where that verifies and the wallet is the one pinned at first use in ~/.config/holdfast/known_wallets.',
    )
    .argument('<wallet>', 'name, or namespace/name')
    .argument('<key>', 'name of the key')
    .option('--chain <chain>', 'network, like bitcoin-signet (default: the main network)')
    .option('--path <path>', 'of a derived key: comes with ECDSA')
    .addOption(new Option('-o, --output <format>', 'with public key and networks').choices(['json']))
    .addHelpText(
      'after',
      examples(
        'holdfast address treasury solana --dir wallets',
        'holdfast address treasury bitcoin --chain bitcoin-signet --dir wallets',
      ),
    )
    .action((wallet: string, key: string, options: Options) => showAddress(session, wallet, key, options));
}

async function showAddress(session: Session, wallet: string, keyName: string, options: Options): Promise<void> {
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

function addressesOn(
  scheme: 'EdDSA' | 'Schnorr' | 'ECDSA',
  publicKey: Uint8Array,
  word: string | undefined,
): Readonly<Record<string, string>> {
  if (word === undefined) return addressesOf(scheme, publicKey);
  const chain = chainNamed(word);
  const network = bitcoinNetworks.get(chain);
  if (scheme === 'Schnorr' && network !== undefined) return { [word]: taprootAddress(publicKey, network) };
  if (scheme === 'EdDSA' && chain.startsWith('solana:')) return { ...addressesOf(scheme, publicKey) };
  throw new UserError(`--chain: ${word} has no addresses of ${scheme} keys`);
}
