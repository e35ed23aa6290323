import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Reader } from '../../../signer/state/reader.ts';
import { keyFileSeal } from '../../../signer/state/key-file-seal.ts';
import { openSealed } from '../../../signer/state/seal.ts';
import { shareKeeper } from '../../../signer/share-keeper.ts';
import type { SignerProcess } from './processes.ts';

/** What a signer keeps sealed, opened with its seal's key from a copy of its database. */
export type Secrets = {
  /** By key name. */
  readonly shares: ReadonlyMap<string, Uint8Array>;
  /** The seed of its identity's key. */
  readonly identity: Uint8Array;
};

/** The secrets of `signer`, which may go on running; the copy is made and removed in `outside`. */
export async function secretsOnDisk(
  { name, folder }: SignerProcess,
  wallet: string,
  genesis: string,
  outside = tmpdir(),
): Promise<Secrets> {
  const copy = mkdtempSync(join(outside, 'holdfast-copy-'));
  try {
    for (const file of ['state.db', 'state.db-wal']) cpSync(join(folder, 'data', file), join(copy, file));
    const seal = keyFileSeal(join(folder, 'kek'));
    const reader = new Reader(join(copy, 'state.db'));
    try {
      const { keys, meta } = reader.load();
      const opened = keys.map(async ({ name: key, scheme, attempt, sealed }) => {
        const { share } = await shareKeeper(seal).open(sealed, {
          genesis,
          holder: name,
          key,
          scheme,
          attempt,
          epoch: 0,
        });
        return [key, share] as const;
      });
      const pkcs8 = await openSealed(seal, meta.get('identity') ?? new Uint8Array(), [wallet, name, 'identity']);
      return { shares: new Map(await Promise.all(opened)), identity: pkcs8.slice(-32) };
    } finally {
      reader.close();
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
