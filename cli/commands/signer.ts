import { Option } from 'commander';
import type { Command } from 'commander';
import { examples } from '../examples.ts';
import type { Session } from '../session.ts';
import type { SignerOptions } from '../signer.ts';

/** `holdfast signer`: the signer of a holder outside of the cluster, or of the operator's machine. */
export function addSigner(program: Command, session: Session): void {
  program
    .command('signer')
    .summary("run a holder's signer here, for an operator elsewhere")
    .description(
      'Runs a signer as this process, for a wallet whose operator is elsewhere: that of a holder who keeps its share on a ' +
        'machine or in a cluster of its own. It makes its key at the first start and logs its fingerprint, which goes into ' +
        'spec.external of its Signer. It takes part once its owner has put the genesis into the file of --accept. ' +
        'The log is on stderr, a line of JSON an entry. Ctrl-C or SIGTERM ends it.',
    )
    .requiredOption('--wallet <namespace/name>', 'the wallet')
    .requiredOption('--holder <name>', 'the holder')
    .requiredOption('--data <folder>', 'where its state lies, the sealed share included')
    .addOption(
      new Option('--seal-key-file <file>', 'the key that seals its state: 32 random bytes, raw or in base64').conflicts(
        'hsmSocket',
      ),
    )
    .option('--hsm-socket <file>', 'the socket of its PKCS#11 sidecar, in place of a key file')
    .requiredOption('--operator <fingerprint>', "the operator's fingerprint: nobody else may hand it a genesis")
    .requiredOption('--accept <file>', 'the genesis statement that its owner accepts; may be written later')
    .addOption(
      new Option('--role <role>', "the holder's role: a Backup overwrites all memory that it frees")
        .choices(['Infrastructure', 'Client', 'Backup'])
        .default('Client'),
    )
    .option('--sign-listen <host:port>', 'where operator and services reach it', '0.0.0.0:8443')
    .option('--peer-listen <host:port>', "where the wallet's other signers reach it", '0.0.0.0:7443')
    .option('--metrics-listen <host:port>', 'where metrics and health are served', '127.0.0.1:9090')
    .addOption(
      new Option('--log-level <level>', 'how much is logged')
        .choices(['debug', 'info', 'warn', 'error'])
        .default('info'),
    )
    .addHelpText(
      'after',
      examples(
        'holdfast signer --wallet payments/treasury --holder client --data /var/lib/holdfast --seal-key-file kek ' +
          '--operator sha256:HEX --accept genesis.json',
      ),
    )
    .action(async (options: SignerOptions) => {
      const { signer } = await import('../signer.ts');
      await signer(session, options);
    });
}
