import type { Command } from 'commander';
import { examples } from '../examples.ts';
import type { Session } from '../session.ts';

/** `holdfast demo`: everything once, in a folder that goes away. */
export function addDemo(program: Command, session: Session): void {
  program
    .command('demo')
    .summary('a wallet on this machine, start to finish')
    .description(
      'Makes a wallet of three holders in a temporary folder: keys, payments signed and refused, holders killed, audit. ' +
        'Nothing is sent to any network.',
    )
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('holdfast demo', 'holdfast demo --json'))
    .action(async ({ json = false }: { readonly json?: boolean }) => {
      const { runDemo } = await import('../demo.ts');
      await runDemo(session, { json });
    });
}
