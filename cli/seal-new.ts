import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Option } from 'commander';
import type { Command } from 'commander';
import { quote } from '../common/bytes.ts';
import { UserError, messageOf } from '../common/errors.ts';
import { defaultNamespace } from '../operator/store/manifest-key.ts';
import { examples } from './examples.ts';
import { exitCodes } from './exit-codes.ts';
import { splitName, withNamespace } from './namespace.ts';
import type { NamespaceOptions } from './namespace.ts';
import type { Session } from './session.ts';
import { toYaml } from './yaml.ts';

type Options = NamespaceOptions & { readonly key: string; readonly output?: string };

const keyBytes = 32;

/** `holdfast seal new`: a Secret with a fresh key for `seal.keySecretRef`. */
export function addSealNew(program: Command, session: Session): void {
  withNamespace(program.command('new'))
    .summary('make a Secret with a key that seals shares')
    .description(
      `Writes a Secret manifest with ${keyBytes} random bytes, for seal.keySecretRef of a Wallet or Signer. An existing file is\n` +
        'never overwritten: without its seal key a share is lost.',
    )
    .argument('<name>', 'name of the Secret')
    .option('--key <key>', 'key within the Secret', 'kek')
    .addOption(new Option('-o, --output <file>', 'where to write it (default: NAME.yaml in the current folder)'))
    .addHelpText('after', examples('holdfast seal new treasury-seal -n payments -o wallets/seal.yaml'))
    .action((name: string, options: Options) => sealNew(session, name, options));
}

async function sealNew(session: Session, word: string, options: Options): Promise<void> {
  const { namespace, name } = splitName(word, options);
  if (!/^(?=.{1,253}$)[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/.test(name))
    throw new UserError(
      `name: want lowercase letters, digits and inner hyphens, got ${quote(name)}`,
      [],
      exitCodes.usage,
    );
  if (!/^[-._a-zA-Z0-9]{1,253}$/.test(options.key))
    throw new UserError(
      `--key: want letters, digits, hyphens, dots or underscores, got ${quote(options.key)}`,
      [],
      exitCodes.usage,
    );
  const file = resolve(options.output ?? `${name}.yaml`);
  const manifest = toYaml({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, ...(namespace !== defaultNamespace && { namespace }) },
    data: { [options.key]: randomBytes(keyBytes).toString('base64') },
  });
  await writeNew(file, `${manifest}\n`);
  session.print(file);
  session.note('Keep a copy where the shares are not: who has both has the shares, and without the key they are lost.');
}

async function writeNew(file: string, text: string): Promise<void> {
  try {
    const handle = await open(file, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    if (exists)
      throw new UserError(`${file} exists, and a seal key is never overwritten`, ['give another file: -o FILE']);
    throw new UserError(`${file}: cannot write: ${messageOf(error)}`);
  }
}
