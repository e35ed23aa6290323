import { Option } from 'commander';
import type { Command } from 'commander';
import { examples } from '../examples.ts';
import { withPayload } from '../payload-options.ts';
import type { PolicyTestOptions } from '../policy-test.ts';
import type { Session } from '../session.ts';

/** `holdfast policy test`: a verdict without a wallet. */
export function addPolicyTest(program: Command, session: Session): void {
  withPayload(program.command('test'))
    .summary('say what a policy makes of a payload, offline')
    .description(
      'Says whether a SigningPolicy allows a payload, and why, by the code that signers run. Needs no wallet. Limits are ' +
        'judged as if nothing had been spent. Exit code 0: allowed, 3: denied, 4: allowed once more is there.',
    )
    .argument('<file>', 'manifest with one SigningPolicy')
    .option(
      '--address <address>',
      "address of the key that would sign: the transaction's payer, or where change returns to; or an ECDSA public key",
    )
    .option('--path <path>', 'of the child that would sign, whose address it is, like m/0/7')
    .option('-f, --filename <file>', 'take the payload of a SigningRequest manifest')
    .option('--initiator <name>', 'who would ask (default: the first of the policy)')
    .addOption(new Option('-o, --output <format>', 'for scripts').choices(['json']))
    .addHelpText(
      'after',
      examples(
        'holdfast policy test policy.yaml --transaction payment.bin --address 9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin',
        'holdfast policy test policy.yaml -f request.yaml --address 9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin -o json',
        'holdfast policy test policy.yaml --digest 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff',
      ),
    )
    .action(async (file: string, options: PolicyTestOptions) => {
      const { policyTest } = await import('../policy-test.ts');
      await policyTest(session, file, options);
    });
}
