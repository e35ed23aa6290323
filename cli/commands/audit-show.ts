import { Option } from 'commander';
import type { Command } from 'commander';
import type { AuditShowOptions } from '../audit-show.ts';
import { examples } from '../examples.ts';
import { withNamespace } from '../namespace.ts';
import type { Session } from '../session.ts';
import { withTarget } from '../target.ts';

/** `holdfast audit show`: who asked for what, when, and what became of it. */
export function addAuditShow(program: Command, session: Session): void {
  withNamespace(withTarget(program.command('show')))
    .summary('show what holders have on record')
    .description(
      "Reads holders' audit logs as audit verify does, checks them whole, and shows what they say: who asked for what, when, " +
        'what decided and what became of it. Newest last.',
    )
    .argument('<wallet>', 'name, or namespace/name')
    .argument('[holder]', 'one holder; all when absent')
    .option('--since <when>', 'only what is newer: a span like 8h or 7d, or a time', '24h')
    .addOption(new Option('-o, --output <format>', 'for scripts: the records themselves').choices(['json']))
    .addHelpText(
      'after',
      examples(
        'holdfast audit show treasury --dir wallets',
        'holdfast audit show payments/treasury infrastructure --since 7d -o json --dir wallets',
      ),
    )
    .action(async (wallet: string, holder: string | undefined, options: AuditShowOptions) => {
      const { auditShow } = await import('../audit-show.ts');
      await auditShow(session, wallet, holder, options);
    });
}
