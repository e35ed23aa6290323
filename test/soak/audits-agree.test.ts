import { describe, expect, it } from 'vitest';
import { digest, utf8 } from '../../common/bytes.ts';
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

describe('what happened to a wallet', () => {
  const time = '2026-06-01T00:00:00Z';
  const [first, second] = [digest(utf8('first')), digest(utf8('second'))];
  const request = { initiator: 'payments-api', id: 'pay', key: 'solana' };
  const written = (logs: Readonly<Record<string, readonly Readonly<Record<string, string>>[]>>): SimulatedWallet => {
    const wallet = new SimulatedWallet({ policy });
    for (const [name, entries] of Object.entries(logs))
      for (const entry of entries) {
        const { audit, head } = wallet.disk(name);
        audit.push(chainRecord(head, time, { ...request, ...entry }));
      }
    return wallet;
  };

  it('lets shares of two members go for two requests under an id that was used twice, and no more than that', async () => {
    const reused = { reusedIds: new Set(['pay']), lost: new Map() };
    const [one, two] = [
      { type: 'Released', digest: first },
      { type: 'Released', digest: second },
    ];
    const twice = written({ infrastructure: [one], client: [two] });
    expect(await auditsAgree(twice, names)).toHaveLength(2);
    expect(await auditsAgree(twice, names, reused)).toEqual([]);
    expect(await auditsAgree(twice, names, { ...reused, reusedIds: new Set(['other']) })).toHaveLength(2);

    const signed = (of: string, participants: string) => ({ type: 'Signed', digest: of, from: '', participants });
    const once = written({ infrastructure: [one, signed(first, 'infrastructure')], client: [two] });
    expect(await auditsAgree(once, names, reused)).toEqual([]);
    const both = written({ infrastructure: [signed(first, 'infrastructure')], client: [signed(second, 'client')] });
    expect(await auditsAgree(both, names, reused)).toHaveLength(2);
    const alone = written({ infrastructure: [one], client: [two, one] });
    expect(await auditsAgree(alone, names, reused)).not.toEqual([]);
  });

  it('takes a record of a share from a holder whose disk was put back, and from no other', async () => {
    const released = { type: 'Released', digest: first };
    const participants = 'infrastructure,client';
    const wallet = written({ infrastructure: [{ type: 'Signed', digest: first, from: '', participants }] });
    const told = (name: string, entry: Readonly<Record<string, string>>) =>
      auditsAgree(wallet, names, { reusedIds: new Set(), lost: new Map([[name, [entry]]]) });
    const found = await auditsAgree(wallet, names);
    expect(found).toEqual([
      'audit differs: holder infrastructure, audit record 1 (Signed) says that "client" took part, and the log of "client" has no record of that',
    ]);
    expect(await told('client', released)).toEqual([]);
    expect(await told('backup', released)).toEqual(found);
    expect(await told('client', { ...released, digest: second })).toEqual(found);
    expect(await told('client', { ...released, type: 'SpendLearned' })).toEqual(found);
  });
});
