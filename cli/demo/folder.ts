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
const quickstart = new URL(
  `${import.meta.url.endsWith('.ts') ? '../../' : '../'}examples/quickstart/`,
  import.meta.url,
);

export async function makeDemoFolder(initiator: KeyObject): Promise<DemoFolder> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-demo-'));
  const [wallet, policyTemplate] = await Promise.all(
    ['wallet.yaml', 'policy.yaml'].map((file) => readFile(new URL(file, quickstart), 'utf8')),
  );
  const policy = (policyTemplate ?? '').replace('INITIATOR_KEY', formatSshPublicKey(sshKeyOf(initiator)));
  const seal = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'treasury-seal' },
    data: { kek: randomBytes(32).toString('base64') },
  };
  await writeFile(join(path, 'wallet.yaml'), wallet ?? '');
  await writeFile(join(path, 'policy.yaml'), policy);
  await writeFile(join(path, 'seal.yaml'), stringify(seal), { mode: 0o600 });

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
