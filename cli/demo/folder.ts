import { randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { SigningPolicy } from '../../operator/api/resource.ts';
import { formatSshPublicKey, sshKeyOf } from '../../statement/ssh-key.ts';

/** What the demo runs on: examples/quickstart with secrets of its own, in a folder that goes away. */
export type DemoFolder = {
  readonly path: string;
  /** An address of the policy's address book, without its chain. */
  address(name: string, chain: string): string;
};

// From this file, or from dist/holdfast.js.
const examples = new URL(`${import.meta.url.endsWith('.ts') ? '../../' : '../'}examples/`, import.meta.url);
const moduleOfExample = '/usr/lib/softhsm/libsofthsm2.so';

const ethereumOfExample = '# - { name: ethereum,';

/** With `ethereum` the wallet has that key too. With a `module`, the backup holder's shares are behind a token of it; else they are behind a key file, as the others'. */
export async function makeDemoFolder(
  initiator: KeyObject,
  { ethereum, module }: { readonly ethereum: boolean; readonly module: string | undefined },
): Promise<DemoFolder> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-demo-'));
  const [wallet = '', policyTemplate = '', backup = ''] = await Promise.all(
    ['quickstart/wallet.yaml', 'quickstart/policy.yaml', 'quickstart-hsm/backup.yaml'].map((file) =>
      readFile(new URL(file, examples), 'utf8'),
    ),
  );
  const policy = policyTemplate.replace('INITIATOR_KEY', formatSshPublicKey(sshKeyOf(initiator)));
  const secret = (name: string, key: string, value: string): string =>
    stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, data: { [key]: value } });
  const write = (file: string, text: string): Promise<void> => writeFile(join(path, file), text, { mode: 0o600 });
  await write('wallet.yaml', ethereum ? wallet.replace(ethereumOfExample, ethereumOfExample.slice(2)) : wallet);
  await write('policy.yaml', policy);
  await write('seal.yaml', secret('treasury-seal', 'kek', randomBytes(32).toString('base64')));
  if (module !== undefined) {
    await write('pin.yaml', secret('treasury-pin', 'pin', randomBytes(32).toString('base64')));
    await write('backup.yaml', backup.replace(moduleOfExample, module));
  }

  const { addressBook = [] } = (parse(policy) as Pick<SigningPolicy, 'spec'>).spec;
  return {
    path,
    address(name, chain) {
      const account = addressBook
        .find((entry) => entry.name === name)
        ?.addresses.find((each) => each.startsWith(`${chain}:`));
      if (account === undefined) throw new Error(`examples/quickstart/policy.yaml: ${name} has no address on ${chain}`);
      return account.slice(chain.length + 1);
    },
  };
}
