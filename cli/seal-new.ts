import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { quote } from '../common/bytes.ts';
import { UserError, messageOf } from '../common/errors.ts';
import { defaultNamespace } from '../operator/store/manifest-key.ts';
import { exitCodes } from './exit-codes.ts';
import { splitName } from './namespace.ts';
import type { NamespaceOptions } from './namespace.ts';
import type { Session } from './session.ts';
import { toYaml } from './yaml.ts';

export type SealNewOptions = NamespaceOptions & { readonly key: string; readonly output?: string };

const keyBytes = 32;

/** Writes a Secret with a fresh key for `seal.keySecretRef`. */
export async function sealNew(session: Session, word: string, options: SealNewOptions): Promise<void> {
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
    metadata: {
      name,
      ...(namespace !== defaultNamespace && { namespace }),
      // By this label the chart's admission policies know what must not be deleted.
      labels: { 'holdfast.dev/keeps': 'seal' },
    },
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
