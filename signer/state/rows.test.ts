import { expect, it } from 'vitest';
import { keyRow, ledgerRow, requestRow, type Row } from './rows.ts';

const row = (over: Row): Row => ({
  digest: 'sha256:11',
  initiator: 'api',
  id: 'pay-42',
  key: 'solana',
  statement: new Uint8Array(),
  signature: 'armored',
  expires_at: 1n,
  first_seen: 1n,
  state: 'Signed',
  reason: '',
  message: '',
  rule: '',
  policy_digest: '',
  participants: '["client"]',
  signatures: '["00ff"]',
  ...over,
});

it('gives lists of a column that holds them as JSON', () => {
  expect(requestRow(row({}))).toMatchObject({ participants: ['client'], signatures: [Uint8Array.of(0, 255)] });
});

it.each(['', '[', 'null', '{}', '"client"', '[1]', '["client",null]', '[["client"]]'])(
  'names the column that holds %j instead of a list of texts',
  (text) => {
    for (const column of ['participants', 'signatures'])
      expect(() => requestRow(row({ [column]: text }))).toThrow(`want a JSON list of texts in column ${column}`);
  },
);

const key: Row = {
  ...{ name: 'solana', scheme: 'EdDSA', state: 'Active', attempt: 1n, abandoned: 0n },
  ...{ sealed: new Uint8Array(), certificate: new Uint8Array(), signatures: '{}' },
};
const ledger: Row = { digest: 'sha256:11', at: 1n, effects: '[]', state: 'Spent' };

it('names state and scheme that no version wrote, and the row', () => {
  expect(keyRow(key)).toMatchObject({ scheme: 'EdDSA', state: 'Active' });
  for (const scheme of ['BLS', 'constructor', ''])
    expect(() => keyRow({ ...key, scheme })).toThrow(
      'want one of EdDSA, Schnorr, ECDSA in column scheme of the row whose name is "solana"',
    );
  expect(() => keyRow({ ...key, state: 'Reserved' })).toThrow('want one of Wanted, Prepared, Active in column state');
  expect(() => requestRow(row({ state: 'Spent' }))).toThrow(/in column state of the row whose digest is "sha256:11"/);
  expect(() => ledgerRow({ ...ledger, state: '' })).toThrow('want one of Reserved, Spent in column state');
});

it('takes times that can be written as one, and no others', () => {
  expect(ledgerRow({ ...ledger, at: 253_402_300_799n }).at).toBe(253_402_300_799);
  for (const at of [-1n, 253_402_300_800n, 2n ** 63n - 1n])
    expect(() => ledgerRow({ ...ledger, at })).toThrow('want 0 to 253402300799 in column at');
  expect(() => ledgerRow({ ...ledger, at: 1.5 })).toThrow('want a whole number in column at');
});
