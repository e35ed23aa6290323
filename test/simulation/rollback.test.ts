import { expect, it, vi } from 'vitest';
import { formatTime } from '../../common/clock.ts';
import { chainRecord } from '../../statement/audit.ts';
import type { Disk } from './memory-store.ts';
import { SimulatedWallet } from './simulated-wallet.ts';

const policy = { rules: [{ name: 'raw', verdict: 'Allow', match: { kinds: ['Digest'] } }] };

/** Takes the audit log of `disk` back to its first `records` and adds `more` others. */
function restore(disk: Disk, records: number, more: number): void {
  disk.audit.splice(records);
  for (let i = 0; i < more; i++)
    disk.audit.push(chainRecord(disk.head, formatTime(disk.lastTime * 1000), { type: 'Denied', id: `other-${i}` }));
}

async function signedOnce(): Promise<SimulatedWallet> {
  const wallet = new SimulatedWallet({ policy });
  await wallet.startAll([{ name: 'solana', scheme: 'EdDSA' }]);
  await wallet.keyActive('solana');
  expect(await wallet.sign('client', wallet.request({ id: 'one' }))).toMatchObject({ outcome: 'signed' });
  // A further exchange carries what came last.
  expect(await wallet.sign('client', wallet.request({ id: 'two' }))).toMatchObject({ outcome: 'signed' });
  await vi.waitUntil(() => ['infrastructure', 'backup'].every((name) => remembersAll(wallet, name)), {
    timeout: 10_000,
  });
  return wallet;
}

/** Whether a peer has the client's signature of its whole log on disk. */
const remembersAll = (wallet: SimulatedWallet, name: string): boolean =>
  wallet.disk(name).peers.get('client')?.signed?.head.sequence === wallet.disk('client').head.sequence;

const refusedBy = (wallet: SimulatedWallet, name: string): string =>
  wallet
    .signer(name)
    .describe()
    .peers.find((p) => p.name === 'client')?.refused ?? '';

// Each waits for what comes once a second: side by side they wait together.
it.concurrent.each([
  ['nothing', 0],
  ['fewer records than were lost', 1],
  ['more records than were lost', 20],
])('refuses a restored disk after %s was appended to it, again after a restart', async (_, more) => {
  const wallet = await signedOnce();
  wallet.kill('client');
  const disk = wallet.disk('client');
  restore(disk, 2, more);
  const { head } = disk;
  for (let start = 0; start < 2; start++) {
    await wallet.start('client');
    await vi.waitUntil(() => wallet.signer('client').describe().problems.join().includes('RollbackDetected'), {
      timeout: 10_000,
    });
    expect(await wallet.sign('client', wallet.request({ id: `after-${start}` }))).toMatchObject({
      outcome: 'failed',
      reason: 'RollbackDetected',
    });
    await vi.waitUntil(() => refusedBy(wallet, 'infrastructure').includes('client is refused'), { timeout: 10_000 });
    expect(disk.head).toEqual(head);
    wallet.kill('client');
  }
});

it.concurrent('appends nothing before it compared with a quorum, and signs again after all were out', async () => {
  const wallet = await signedOnce();
  wallet.killAll();
  await wallet.start('client');
  const { head } = wallet.disk('client');
  expect(await wallet.sign('client', wallet.request({ id: 'alone', key: 'none' }))).toMatchObject({
    outcome: 'failed',
    reason: 'QuorumUnavailable',
    message: expect.stringContaining('has not compared its audit log with a quorum'),
  });
  expect(wallet.disk('client').head).toEqual(head);
  await wallet.start('infrastructure');
  await wallet.start('backup');
  await wallet.joined('client', 'infrastructure');
  expect(await wallet.sign('client', wallet.request({ id: 'again' }))).toMatchObject({ outcome: 'signed' });
});
