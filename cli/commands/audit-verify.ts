import { Option } from 'commander';
import type { Command } from 'commander';
import type { AuditVerifyOptions } from '../audit-verify.ts';
import { examples } from '../examples.ts';
import { withNamespace } from '../namespace.ts';
import type { Session } from '../session.ts';
import { withTarget } from '../target.ts';

/** `holdfast audit verify`: that no record of a holder's log was changed or taken out. */
export function addAuditVerify(program: Command, session: Session): void {
  withNamespace(withTarget(program.command('verify')))
    .summary("check holders' audit logs, record by record")
    .description(
      "Reads each holder's audit log from its signer, with the operator's identity, and checks the hash chain from the first " +
        'record to the head that the signer names.',
    )
    .argument('<wallet>', 'name, or namespace/name')
    .argument('[holder]', 'one holder; all when absent')
    .addOption(new Option('-o, --output <format>', 'for scripts').choices(['json']))
    .addHelpText(
      'after',
      examples(
        'holdfast audit verify treasury --dir wallets',
        'holdfast audit verify payments/treasury backup -o json --dir wallets',
      ),
    )
    .action(async (wallet: string, holder: string | undefined, options: AuditVerifyOptions) => {
      const { auditVerify } = await import('../audit-verify.ts');
      await auditVerify(session, wallet, holder, options);
    });
}
