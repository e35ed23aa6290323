import { Option } from 'commander';
import type { Command } from 'commander';
import { examples } from '../examples.ts';
import type { InspectOptions } from '../inspect.ts';
import { withNamespace } from '../namespace.ts';
import type { Session } from '../session.ts';
import { withTarget } from '../target.ts';

/** `holdfast inspect`: what a request does, what the policy says of it, and the bytes that are signed. */
export function addInspect(program: Command, session: Session): void {
  withNamespace(withTarget(program.command('inspect')))
    .summary("show a request's decoded effects and what the policy says")
    .description(
      'Decodes the payload of a request on this machine, checks who signed it and says what the policy makes of it, as if ' +
        'nothing had been spent. With --statement it prints the exact bytes that are signed, whose sha256sum is the digest.',
    )
    .argument('<request>', 'name, namespace/name, or a manifest: FILE.yaml')
    .option('--statement', 'print the exact bytes of the request statement and nothing else')
    .addOption(new Option('-o, --output <format>', 'for scripts').choices(['json']).conflicts('statement'))
    .addHelpText(
      'after',
      examples(
        'holdfast inspect pay-42 -n payments --dir wallets',
        'holdfast inspect request.yaml --dir wallets',
        'holdfast inspect pay-42 --statement --dir wallets | sha256sum',
      ),
    )
    .action(async (request: string, options: InspectOptions) => {
      const { inspect } = await import('../inspect.ts');
      await inspect(session, request, options);
    });
}
