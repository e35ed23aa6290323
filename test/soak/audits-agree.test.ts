import { expect, it } from 'vitest';
import { chainRecord, emptyHead } from '../../statement/audit.ts';
import { SimulatedWallet } from '../simulation/simulated-wallet.ts';
import { auditsAgree } from './audits-agree.ts';

const policy = { rules: [{ name: 'raw', verdict: 'Allow', match: { kinds: ['Digest'] } }] };
const names = ['infrastructure', 'client', 'backup'];

it('the logs of a wallet that signed agree, and one that was written anew does not', async () => {
  const wallet = new SimulatedWallet({ policy });
  await wallet.startAll([{ name: 'solana', scheme: 'EdDSA' }]);
  await wallet.keyActive('solana');
  for (const id of ['one', 'two'])
    expect(await wallet.sign('infrastructure', wallet.request({ id }))).toMatchObject({ outcome: 'signed' });
  await expect.poll(() => wallet.disk('client').audit.length).toBe(7);
  wallet.killAll();
  expect(await auditsAgree(wallet, names)).toEqual([]);

  const { audit } = wallet.disk('client');
  const entries = audit
    .splice(0)
    .map(({ record }) => JSON.parse(Buffer.from(record).toString()) as Record<string, string>);
  for (const { sequence: _, previous: __, time = '', ...entry } of entries)
    audit.push(chainRecord(audit.at(-1) ?? emptyHead, time, entry['id'] === 'one' ? { ...entry, id: 'three' } : entry));
  const found = await auditsAgree(wallet, names);
  expect(found.join('\n')).toContain('holder client, audit record 4 (Released) says that id of request');
  expect(await auditsAgree(wallet, ['infrastructure', 'backup'])).toEqual([]);
});
