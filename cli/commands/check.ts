import { Option } from 'commander';
import type { Command } from 'commander';
import type { CheckOptions } from '../check.ts';
import { examples } from '../examples.ts';
import type { Session } from '../session.ts';

/** `holdfast check`: preflight and health. */
export function addCheck(program: Command, session: Session): void {
  program
    .command('check')
    .summary('find what is missing or wrong, and where documents say more')
    .description(
      'Looks at this machine, at what this version lacks, and at a folder of manifests or a cluster, and says of each ' +
        'thing that it is ok, to be known (note), to be mended before it hurts (warning), or to be mended now (error). ' +
        'It reads only, and asks signers who they are. Exit code 5 says that there is a warning or an error.',
    )
    .option(
      '--dir <folder>',
      "target: a folder of manifests; HOLDFAST_DIR when absent, else the cluster of the kubeconfig's current context",
    )
    .option('--wallet <name>', 'look at this wallet alone: name, or namespace/name')
    .addOption(new Option('-o, --output <format>', 'for scripts').choices(['json']))
    .addHelpText(
      'after',
      examples(
        'holdfast check',
        'holdfast check --dir wallets',
        'holdfast check --wallet payments/treasury -o json --dir wallets',
      ),
    )
    .action(async (options: CheckOptions) => {
      const { check } = await import('../check.ts');
      await check(session, options);
    });
}
