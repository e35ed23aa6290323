import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { quote } from '../../common/bytes.ts';
import { systemClock } from '../../common/clock.ts';
import type { Clock } from '../../common/clock.ts';
import type { Log } from '../../common/log.ts';
import type { SecretSource } from '../store/secret-source.ts';
import type { Fleet, SignerId } from './fleet.ts';
import { PortPool } from './port-pool.ts';
import { unlessMissing } from '../atomic-file.ts';
import type { SignerCommand } from './signer-command.ts';
import { type HsmPrograms, hsmPrograms } from './supervised-sidecar.ts';
import { SupervisedSigner } from './supervised-signer.ts';

/** A Fleet of child processes. They outlive it: `close` only stops watching them. */
export interface LocalFleet extends Fleet {
  close(): Promise<void>;
}

export type LocalFleetOptions = {
  /** `DIR/.holdfast`, which is this operator's alone. */
  readonly folder: string;
  readonly secrets: SecretSource;
  readonly command: SignerCommand;
  /** The programs of a sidecar; those beside this program where absent. */
  readonly hsm?: HsmPrograms;
  readonly log: Log;
  readonly clock?: Clock;
};

/** Takes up the signers under `folder` again: those that run are left as they are. */
export async function openLocalFleet(options: LocalFleetOptions): Promise<LocalFleet> {
  const folder = resolve(options.folder);
  const supervisor = { clock: systemClock, hsm: hsmPrograms(), ...options, ports: new PortPool(), random: Math.random };
  const signers = new Map<string, Promise<SupervisedSigner>>();
  /** One supervisor a signer, however many ask at once. */
  const signerOf = (id: SignerId): Promise<SupervisedSigner> => {
    checkId(id);
    const key = `${id.wallet}/${id.holder}`;
    const known = signers.get(key);
    if (known !== undefined) return known;
    const opened = SupervisedSigner.open({ wallet: id.wallet, holder: id.holder }, folder, supervisor);
    signers.set(key, opened);
    opened.catch(() => signers.delete(key));
    return opened;
  };
  await Promise.all((await findSigners(folder)).map(signerOf));

  return {
    ensure: async (spec) => (await signerOf(spec)).ensure(spec),
    observe: async ({ wallet, holder }) => (await signers.get(`${wallet}/${holder}`))?.observe(),
    remove: async (id, { destroy }) => (await signerOf(id)).remove(destroy),
    list: async () =>
      (await Promise.all(signers.values())).filter((signer) => signer.observe() !== undefined).map(({ id }) => id),
    close: async () => {
      await Promise.all([...signers.values()].map(async (signer) => (await signer).close()));
    },
  };
}

const isName = (text: string): boolean => text.length <= 63 && /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/.test(text);

/** Names become folders: nothing but a DNS label may. */
function checkId({ wallet, holder }: SignerId): void {
  const [namespace = '', name = '', ...rest] = wallet.split('/');
  if (rest.length > 0 || !isName(namespace) || !isName(name))
    throw new Error(`wallet: want namespace/name, got ${quote(wallet)}`);
  if (!isName(holder)) throw new Error(`holder: want a name like client, got ${quote(holder)}`);
}

/** The signers whose folders are there. */
async function findSigners(folder: string): Promise<readonly SignerId[]> {
  const under = async (path: string): Promise<readonly string[]> => {
    const entries = (await unlessMissing(readdir(path, { withFileTypes: true }))) ?? [];
    return entries.filter((entry) => entry.isDirectory() && isName(entry.name)).map(({ name }) => name);
  };
  const root = join(folder, 'signers');
  const found: SignerId[] = [];
  for (const namespace of await under(root))
    for (const wallet of await under(join(root, namespace)))
      for (const holder of await under(join(root, namespace, wallet)))
        found.push({ wallet: `${namespace}/${wallet}`, holder });
  return found;
}
