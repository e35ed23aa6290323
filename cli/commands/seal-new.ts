import { Option } from 'commander';
import type { Command } from 'commander';
import { examples } from '../examples.ts';
import { withNamespace } from '../namespace.ts';
import type { SealNewOptions } from '../seal-new.ts';
import type { Session } from '../session.ts';

/** `holdfast seal new`: a Secret with a fresh key for `seal.keySecretRef`. */
export function addSealNew(program: Command, session: Session): void {
  withNamespace(program.command('new'))
    .summary('make a Secret with a key that seals shares')
    .description(
      'Writes a Secret manifest with 32 random bytes, for seal.keySecretRef of a Wallet or Signer. An existing file is ' +
        'never overwritten: without its seal key a share is lost.',
    )
    .argument('<name>', 'name of the Secret')
    .option('--key <key>', 'key within the Secret', 'kek')
    .addOption(new Option('-o, --output <file>', 'where to write it (default: NAME.yaml in the current folder)'))
    .addHelpText('after', examples('holdfast seal new treasury-seal -n payments -o wallets/seal.yaml'))
    .action(async (name: string, options: SealNewOptions) => {
      const { sealNew } = await import('../seal-new.ts');
      await sealNew(session, name, options);
    });
}
