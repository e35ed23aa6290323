import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { openStore } from '../../../signer/state/sqlite-store.ts';
import { ProcessWallet } from './processes.ts';

const names = ['infrastructure', 'client', 'backup'];
const solana = [{ name: 'solana', scheme: 'EdDSA' as const }];

let wallet: ProcessWallet | undefined;
afterEach(async () => {
  await wallet?.close();
  wallet = undefined;
});

async function kill(from: ProcessWallet, name: string): Promise<void> {
  from.signer(name).close();
  await from.signer(name).kill();
}

/** Appends records to the log in a folder whose signer does not run. */
async function append(data: string, records: number): Promise<void> {
  const store = await openStore(data, {
    onFailure: (error) => {
      throw error;
    },
  });
  const now = Math.floor(Date.now() / 1000);
  for (let i = 0; i < records; i++) await store.write({ audit: [{ type: 'Denied', id: `other-${i}` }], now });
  await store.close();
}

const appended = [
  ['nothing', 0],
  ['fewer records than were lost', 1],
  ['more records than were lost', 60],
] as const;

it.each(appended)(
  'refuses a data folder restored from an earlier copy within 10 s of connecting: %s was appended to it',
  async (_, records) => {
    wallet = await ProcessWallet.start({ keys: solana });
    const running = wallet;
    const data = join(running.signer('client').folder, 'data');
    const copy = join(running.signer('client').folder, 'copy');
    expect(await running.sign('client', running.request('before'))).toMatchObject({ outcome: 'signed' });
    await kill(running, 'client');
    cpSync(data, copy, { recursive: true });
    await running.signer('client').start();
    await running.connected();
    const { head: copied } = await running.describe('client');
    for (const id of ['one', 'two', 'three'])
      expect(await running.sign('client', running.request(id))).toMatchObject({ outcome: 'signed' });
    // Signed heads follow within about a second.
    await running.until(
      async () => {
        const { head, signedHead } = await running.describe('client');
        return head?.sequence === signedHead?.head?.sequence
          ? ''
          : `${signedHead?.head?.sequence} of ${head?.sequence}`;
      },
      'the head is not signed',
      10_000,
    );
    expect((await running.describe('client')).head?.sequence).toBeGreaterThan((copied?.sequence ?? 0n) + 3n);
    await kill(running, 'client');
    rmSync(data, { recursive: true });
    cpSync(copy, data, { recursive: true });
    await append(data, records);
    await running.signer('client').start();

    await running.until(
      async () => {
        const { problems } = await running.describe('client');
        return problems.some((text) => text.includes('RollbackDetected')) ? '' : `client says ${problems.join('; ')}`;
      },
      'the restored signer is not refused',
      10_000,
    );
    const { head } = await running.describe('client');
    expect(await running.sign('client', running.request('after'))).toMatchObject({
      outcome: 'failed',
      reason: 'RollbackDetected',
      message: expect.stringContaining('Nothing clears this in this version'),
    });
    // It appended nothing.
    expect((await running.describe('client')).head).toEqual(head);
    const seen = await running.describe('infrastructure');
    expect(seen.problems).toEqual([]);
    expect(seen.peers.find((p) => p.name === 'client')?.refused).toContain('client is refused');
    const metrics = await fetch(`http://127.0.0.1:${running.signer('client').metricsPort}/metrics`);
    expect(await metrics.text()).toMatch(/^holdfast_rollback_detected\{.*\} 1$/m);
    // The others are a quorum only with the Backup, which does not sign: the refused holder gets no share.
    expect(await running.sign('infrastructure', running.request('later'))).toMatchObject({
      outcome: 'failed',
      reason: 'QuorumUnavailable',
    });
  },
);

it('signs again after all holders were out at once', async () => {
  wallet = await ProcessWallet.start({ keys: solana });
  const running = wallet;
  expect(await running.sign('client', running.request('before'))).toMatchObject({ outcome: 'signed' });
  for (const name of names) await kill(running, name);
  await Promise.all(names.map((name) => running.signer(name).start()));
  await running.connected();
  for (const name of names) expect((await running.describe(name)).problems).toEqual([]);
  expect(await running.sign('client', running.request('after'))).toMatchObject({ outcome: 'signed' });
});
