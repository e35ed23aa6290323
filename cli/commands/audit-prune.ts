import type { Command } from 'commander';
import type { AuditPruneOptions } from '../audit-prune.ts';
import { examples } from '../examples.ts';
import { withNamespace } from '../namespace.ts';
import type { Session } from '../session.ts';
import { withTarget } from '../target.ts';

/** `holdfast audit prune`: room on a signer's disk, for audit records that an export has. */
export function addAuditPrune(program: Command, session: Session): void {
  withNamespace(withTarget(program.command('prune')))
    .summary("take exported records' bodies off a signer's disk")
    .description(
      "Reads an export from its first byte, then has one holder's signer drop the bodies of every whole segment (10,000 records) " +
        'in it, the oldest first. Number and hash of each record stay, so that the log still verifies. The signer does so only where its own ' +
        'records are exactly those of the export. From then on the export is the only copy of what the records say.',
    )
    .argument('<wallet>', 'name, or namespace/name')
    .argument('<holder>', 'whose records')
    .requiredOption('--exported <folder>', 'an export of the wallet that has them')
    .addHelpText(
      'after',
      examples('holdfast audit prune treasury infrastructure --exported treasury-audit --dir wallets'),
    )
    .action(async (wallet: string, holder: string, options: AuditPruneOptions) => {
      const { auditPrune } = await import('../audit-prune.ts');
      await auditPrune(session, wallet, holder, options);
    });
}
