import type { Command } from 'commander';
import { examples } from '../examples.ts';
import type { Session } from '../session.ts';
import { withTarget } from '../target.ts';
import type { UpOptions } from '../up.ts';

/** `holdfast up`: the operator in this process, over a folder of manifests. */
export function addUp(program: Command, session: Session): void {
  withTarget(program.command('up'))
    .summary('run the operator over a folder of manifests')
    .description(
      'Runs the operator over a folder of manifests, with signers as processes of this machine. Saving a file in the folder ' +
        'applies it. The folder is only read; state lies in .holdfast in it. Ctrl-C ends operator and signers. ' +
        'Processes of one user are no isolation: for trying out, for tests and for CI.',
    )
    .argument('[folder]', 'the folder; --dir or HOLDFAST_DIR when absent')
    .option('--keep-signers', 'leave the signers running on Ctrl-C; the next holdfast up finds them')
    .option('--metrics <host:port>', 'where to serve metrics and health (default: a free port)')
    .option('-v, --verbose', "also show the operator's log")
    .addHelpText(
      'after',
      examples('holdfast up wallets', 'holdfast up wallets --metrics 127.0.0.1:9090 --keep-signers'),
    )
    .action(async (folder: string | undefined, options: UpOptions) => {
      const { up } = await import('../up.ts');
      await up(session, folder === undefined ? options : { ...options, dir: folder });
    });
}
