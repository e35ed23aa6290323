import { Option } from 'commander';
import type { Command } from 'commander';
import { examples } from '../examples.ts';
import type { GetOptions } from '../get.ts';
import { withNamespace } from '../namespace.ts';
import type { Session } from '../session.ts';
import { withTarget } from '../target.ts';

/** `holdfast get`: objects as kubectl would show them, from what the operator knows of a folder. */
export function addGet(program: Command, session: Session): void {
  withNamespace(withTarget(program.command('get')))
    .summary('show wallets, signers, policies and requests')
    .description(
      'Shows objects of a kind: wallets, signers, signingpolicies, signingrequests, approvals, or holdfast for all. ' +
        'It reads what the operator knows, whether or not one runs. On a cluster use kubectl.',
    )
    .argument('<kind>', 'plural, singular or short name')
    .argument('[name]', 'one object; all when absent')
    .option('-A, --all-namespaces', 'of every namespace')
    .addOption(new Option('-o, --output <format>', 'more columns, or whole objects').choices(['wide', 'yaml', 'json']))
    .addHelpText(
      'after',
      examples(
        'holdfast get wallets --dir wallets',
        'holdfast get sreq pay-42 -n payments -o yaml --dir wallets',
        'holdfast get holdfast -A --dir wallets',
      ),
    )
    .action(async (kind: string, name: string | undefined, options: GetOptions) => {
      const { get } = await import('../get.ts');
      await get(session, kind, name, options);
    });
}
