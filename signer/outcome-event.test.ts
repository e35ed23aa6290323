import { expect, it } from 'vitest';
import { sha256, utf8 } from '../common/bytes.ts';
import { chainRecord, emptyHead } from '../statement/audit.ts';
import { outcomeEvent } from './outcome-event.ts';

const time = '2026-12-01T00:00:00Z';
const record = (text: string) => ({ sequence: 7n, record: utf8(text), hash: sha256(utf8(text)) });

it('tells outcomes, and nothing of other records', () => {
  const signed = {
    type: 'Signed',
    id: 'pay-42',
    initiator: 'api',
    key: 'solana',
    participants: 'client,infrastructure',
  };
  expect(outcomeEvent(chainRecord(emptyHead, time, signed))).toEqual({
    ...signed,
    sequence: 1n,
    time,
    digest: '',
    reason: '',
    message: '',
    participants: ['client', 'infrastructure'],
  });
  const culprit = { type: 'CulpritFound', culprit: 'client' };
  expect(outcomeEvent(chainRecord(emptyHead, time, culprit))).toMatchObject({ message: 'client', participants: [] });
  expect(outcomeEvent(chainRecord(emptyHead, time, { type: 'Reserved' }))).toBeUndefined();
});

it('tells nothing of a record whose body is pruned', () => {
  expect(outcomeEvent(record(''))).toBeUndefined();
});

it('takes no member from what every object has', () => {
  expect(outcomeEvent(record('{"type":"constructor"}'))).toBeUndefined();
});

it.each([
  '{',
  'null',
  '"Signed"',
  '["Signed"]',
  '{"type":1}',
  '{"participants":["client"],"type":"Signed"}',
  '{"id":{}}',
  '\ufeff{}',
])('names the record that is %j instead', (text) => {
  expect(() => outcomeEvent(record(text))).toThrow(/holds no audit record 7 as expected/);
});

it('names the record that is not UTF-8', () => {
  const bytes = Uint8Array.of(0x7b, 0xff, 0x7d);
  expect(() => outcomeEvent({ sequence: 8n, record: bytes, hash: sha256(bytes) })).toThrow(/no audit record 8 as/);
});
