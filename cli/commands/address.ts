import { Option } from 'commander';
import type { Command } from 'commander';
import type { AddressOptions } from '../address.ts';
import { examples } from '../examples.ts';
import { withNamespace } from '../namespace.ts';
import type { Session } from '../session.ts';
import { withTarget } from '../target.ts';

/** `holdfast address`: where to pay to, from the certificate that all holders signed. */
export function addAddress(program: Command, session: Session): void {
  withNamespace(withTarget(program.command('address')))
    .summary("show a key's address, from the certificate of all holders")
    .description(
      "Shows the address of a wallet's key, or of its child. It is computed from the certificate that every holder signed, and shown only " +
        'where that verifies and the wallet is the one pinned at first use in ~/.config/holdfast/known_wallets.',
    )
    .argument('<wallet>', 'name, or namespace/name')
    .argument('<key>', 'name of the key')
    .option('--chain <chain>', 'network, like bitcoin-signet (default: the main network)')
    .option('--path <path>', 'of a child of an ECDSA key (BIP-32, not hardened), like m/0/7')
    .addOption(
      new Option('--xpub', 'the extended public key, from which the addresses of all children follow').conflicts([
        'chain',
        'output',
      ]),
    )
    .addOption(new Option('-o, --output <format>', 'with public key and networks').choices(['json']))
    .addHelpText(
      'after',
      examples(
        'holdfast address treasury solana --dir wallets',
        'holdfast address treasury bitcoin --chain bitcoin-signet --dir wallets',
        'holdfast address treasury ethereum --chain bitcoin --dir wallets',
        'holdfast address treasury ethereum --path m/0/7 --dir wallets',
        'holdfast address treasury ethereum --path m/0 --xpub --dir wallets',
      ),
    )
    .action(async (wallet: string, key: string, options: AddressOptions) => {
      const { showAddress } = await import('../address.ts');
      await showAddress(session, wallet, key, options);
    });
}
