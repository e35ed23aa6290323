import { Option } from 'commander';
import type { Command } from 'commander';
import { examples } from '../examples.ts';
import { withNamespace } from '../namespace.ts';
import { withPayload } from '../payload-options.ts';
import type { Session } from '../session.ts';
import type { SignOptions } from '../sign.ts';
import { withTarget } from '../target.ts';

/** `holdfast sign`: a request made, signed by its initiator and handed to the wallet's signers. */
export function addSign(program: Command, session: Session): void {
  withPayload(withNamespace(withTarget(program.command('sign'))))
    .summary('sign a request as initiator, submit it, print the result')
    .description(
      'Shows what a payload does, signs the request for it with your SSH key, asks the signers and verifies what they ' +
        'answer. The finished transaction is on stdout, in hex; for payloads without one the signatures.',
    )
    .option('--wallet <wallet>', 'name, or namespace/name')
    .option('--connection <file>', 'instead of a target: a wallet of a cluster, from its ConfigMap; with --dry-run')
    .option('--key <key>', "name of the wallet's key")
    .option('--path <path>', 'its child: of an ECDSA key, like m/0/7')
    .option('-f, --filename <file>', 'submit a request that was signed before: a SigningRequest manifest')
    .option('--id <id>', 'what makes two requests the same one (default: a new one)')
    .option('--expires <when>', 'until when it may be signed: a span like 15m or 7d, or a time', '1h')
    .option('--initiator <name>', 'who asks, by the policy (default: whose key it is)')
    .option('--ssh-key <file>', 'private key, or public key of one in ssh-agent (default: any in ssh-agent)')
    .option('--wait', 'ask again, with the same bytes, until it is signed, denied or expired')
    .option('--dry-run', 'print the signed request as a manifest and submit nothing')
    .addOption(new Option('-o, --output <format>', 'json; with --dry-run also yaml').choices(['yaml', 'json']))
    .addHelpText(
      'after',
      examples(
        'holdfast sign --wallet treasury --key solana --message "hello" --ssh-key initiator --dir wallets',
        'holdfast sign --wallet treasury --key solana --transaction payment.bin --ssh-key initiator --wait --dir wallets',
        'holdfast sign --wallet payments/treasury --key bitcoin --psbt payment.psbt --dry-run -o yaml --dir wallets',
        'holdfast sign --wallet treasury --key ethereum --path m/0/7 --transaction sweep.hex --ssh-key initiator --dir wallets',
        'holdfast sign -f request.yaml --wait --dir wallets',
        'holdfast sign --connection treasury.json --key solana --message "hello" --initiator payments-api --ssh-key initiator --dry-run',
      ),
    )
    .action(async (options: SignOptions) => {
      const { sign } = await import('../sign.ts');
      await sign(session, options);
    });
}
