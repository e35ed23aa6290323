import type { Command } from 'commander';
import type { AuditExportOptions } from '../audit-export.ts';
import { examples } from '../examples.ts';
import { withNamespace } from '../namespace.ts';
import type { Session } from '../session.ts';
import { withTarget } from '../target.ts';

/** `holdfast audit export`: holders' audit logs as files that can be checked without any signer. */
export function addAuditExport(program: Command, session: Session): void {
  withNamespace(withTarget(program.command('export')))
    .summary("write holders' audit logs to files")
    .description(
      "Writes holders' audit logs to a folder: a manifest, and for each holder a file of at most 10,000 records, one a line. " +
        'Run again into the same folder it goes on where it stopped; a file that is there is only ever replaced by one that ' +
        'begins with it.',
    )
    .argument('<wallet>', 'name, or namespace/name')
    .argument('[holder]', 'one holder; all when absent')
    .requiredOption('--to <folder>', 'where to: a new folder, or an earlier export of this wallet')
    .addHelpText(
      'after',
      examples(
        'holdfast audit export treasury --to treasury-audit --dir wallets',
        'holdfast audit export payments/treasury backup --to treasury-audit --dir wallets',
      ),
    )
    .action(async (wallet: string, holder: string | undefined, options: AuditExportOptions) => {
      const { auditExport } = await import('../audit-export.ts');
      await auditExport(session, wallet, holder, options);
    });
}
