import { expect, it } from 'vitest';
import { SimulatedWallet } from '../simulation/simulated-wallet.ts';
import { LostRecords } from './lost-records.ts';

const policy = { rules: [{ name: 'raw', verdict: 'Allow', match: { kinds: ['Digest'] } }] };

it('a disk that is put back has lost what came since its copy, and others have word of it', async () => {
  const wallet = new SimulatedWallet({ policy });
  const lost = new LostRecords(wallet);
  await wallet.startAll([{ name: 'solana', scheme: 'EdDSA' }]);
  await wallet.keyActive('solana');
  await expect.poll(() => wallet.disk('infrastructure').peers.get('client')?.head.sequence).toBe(3n);
  const before = wallet.disk('client').copy();
  expect(await wallet.sign('infrastructure', wallet.request({ id: 'one' }))).toMatchObject({ outcome: 'signed' });
  const [released] = wallet.disk('client').audit.slice(before.audit.length);
  await expect.poll(() => wallet.disk('infrastructure').peers.get('client')?.head.sequence).toBeGreaterThan(3n);
  wallet.killAll();

  lost.note('client');
  expect(lost.of('client')).toEqual([]);
  expect(lost.witnesses('client')).toEqual([]);
  wallet.disk('client').restore(before);
  expect(lost.of('client')[0]).toEqual(JSON.parse(Buffer.from(released!.record).toString()));
  expect(lost.witnesses('client')).toContain('infrastructure');
  expect(lost.of('backup')).toEqual([]);
  expect(lost.witnesses('backup')).toEqual([]);
});
