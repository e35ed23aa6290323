import { expect, it } from 'vitest';
import { requestRow, type Row } from './rows.ts';

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
