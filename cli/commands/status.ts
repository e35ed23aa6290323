import { Option } from 'commander';
import type { Command } from 'commander';
import { examples } from '../examples.ts';
import { withNamespace } from '../namespace.ts';
import type { Session } from '../session.ts';
import type { StatusOptions } from '../status.ts';
import { withTarget } from '../target.ts';

/** `holdfast status`: a wallet on one screen. */
export function addStatus(program: Command, session: Session): void {
  withNamespace(withTarget(program.command('status')))
    .summary('show a wallet on one screen')
    .description('Shows how a wallet is: what it waits for, its signers, keys, policy, latest requests and events.')
    .argument('<wallet>', 'name, or namespace/name')
    .addOption(new Option('-o, --output <format>', 'for scripts').choices(['json']))
    .addHelpText(
      'after',
      examples('holdfast status treasury --dir wallets', 'holdfast status payments/treasury -o json --dir wallets'),
    )
    .action(async (wallet: string, options: StatusOptions) => {
      const { status } = await import('../status.ts');
      await status(session, wallet, options);
    });
}
