import { Option } from 'commander';
import type { Command } from 'commander';
import type { AuditVerifyOptions } from '../audit-verify.ts';
import { examples } from '../examples.ts';
import { withNamespace } from '../namespace.ts';
import type { Session } from '../session.ts';
import { withTarget } from '../target.ts';

/** `holdfast audit verify`: that no record of any holder's log was changed or taken out, and that all tell the same. */
export function addAuditVerify(program: Command, session: Session): void {
  withNamespace(withTarget(program.command('verify')))
    .summary("check holders' audit logs, and against one another")
    .description(
      "Reads each holder's audit log from its signer, with the operator's identity, and checks its hash chain from the first " +
        'record to the head that the signer names and to the heads that the other signers remember. Then it holds all logs ' +
        'against one another: requests, effects, signatures, shares and keys must be the same in each. Names each record ' +
        'that differs. Exit code 1 where any does, 4 where a log could not be read or has not yet what others have.',
    )
    .argument('[wallet]', 'name, or namespace/name; not needed with --from')
    .argument('[holder]', 'one holder; all when absent')
    .option('--from <folder>', 'check an export instead, without any signer')
    .option('--export <folder>', 'an export to take pruned bodies from, and to hold every record against')
    .addOption(new Option('-o, --output <format>', 'for scripts').choices(['json']))
    .addHelpText(
      'after',
      examples(
        'holdfast audit verify treasury --dir wallets',
        'holdfast audit verify payments/treasury backup -o json --dir wallets',
        'holdfast audit verify --from treasury-audit',
      ),
    )
    .action(async (wallet: string | undefined, holder: string | undefined, options: AuditVerifyOptions) => {
      const { auditVerify } = await import('../audit-verify.ts');
      await auditVerify(session, wallet, holder, options);
    });
}
