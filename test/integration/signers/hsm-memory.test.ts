import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { digest } from '../../../common/bytes.ts';
import { systemClock } from '../../../common/clock.ts';
import { silentLog } from '../../../common/log.ts';
import { installSoftHsm, SoftToken } from '../../../hsm/testing/soft-token.ts';
import { Hsm } from '../../../signer/hsm/hsm.ts';
import type { FrostScheme } from '../../../signer/scheme/scheme.ts';
import { shareKeeper } from '../../../signer/share-keeper.ts';
import { hsmSeal } from '../../../signer/state/hsm-seal.ts';
import { keyFileSeal } from '../../../signer/state/key-file-seal.ts';
import type { Seal } from '../../../signer/state/seal.ts';
import { bothKeys, ProcessWallet } from './processes.ts';
import { searchFor, shareCanaries } from './canary.ts';
import { findInMemory } from './process-memory.ts';

beforeAll(installSoftHsm);

type OpenShare = { readonly scheme: FrostScheme; readonly share: Uint8Array };

it('leaves nothing of its shares in the memory of a Backup that has made keys and signed with them', async () => {
  const token = new SoftToken(onTestFinished);
  await token.start({ wallet: 'payments/treasury' });
  const wallet = await ProcessWallet.start({ keys: bothKeys, hsmSockets: new Map([['backup', token.socket]]) });
  onTestFinished(() => wallet.close());
  const hsm = new Hsm({
    socket: token.socket,
    wallet: 'payments/treasury',
    holder: 'backup',
    nothingSealed: () => false,
    clock: systemClock,
    log: silentLog,
    onOperation: () => {},
  });
  onTestFinished(() => hsm.close());
  await hsm.whenServing();

  /** The shares of a holder, from its disk and with its seal. */
  const sharesOf = async (holder: string, seal: Seal): Promise<readonly OpenShare[]> => {
    const db = new DatabaseSync(join(wallet.folder, holder, 'data', 'state.db'), { readOnly: true });
    const rows = db.prepare('SELECT name, scheme, attempt, sealed FROM signing_key').all();
    db.close();
    expect(rows).toHaveLength(2);
    return Promise.all(
      rows.map(async (row) => {
        const { name, scheme, attempt, sealed } = row as {
          name: string;
          scheme: FrostScheme;
          attempt: number;
          sealed: Uint8Array;
        };
        const label = { genesis: digest(wallet.genesis), holder, key: name, scheme, attempt, epoch: 0 };
        return { scheme, share: (await shareKeeper(seal).open(sealed, label)).share };
      }),
    );
  };
  const backup = await sharesOf('backup', hsmSeal(hsm, token.socket));
  const client = await sharesOf('client', keyFileSeal(join(wallet.folder, 'client', 'kek')));

  const inMemory = (holder: string, shares: readonly OpenShare[]): readonly string[] => {
    const canaries = shares.flatMap(({ scheme, share }, i) => shareCanaries(`share ${i}`, share, scheme));
    return findInMemory(wallet.signer(holder).pid, searchFor(canaries)).found;
  };

  // That the search finds what is there: a Client keeps its shares open.
  const found = inMemory('client', client);
  for (const share of [0, 1])
    expect(
      found.some((what) => what.startsWith(`share ${share}`)),
      found.join(', '),
    ).toBe(true);
  await expect.poll(() => inMemory('backup', backup), { timeout: 60_000, interval: 2_000 }).toEqual([]);
});
