import { expect, it } from 'vitest';
import { signaturesOf, signaturesText } from './key-signatures.ts';

it('gives back what it wrote', () => {
  const signatures = [
    { holder: 'infrastructure', signature: 'YQ==' },
    { holder: 'client', signature: 'Yg==' },
  ];
  expect(signaturesOf({ name: 'solana', signatures: signaturesText(signatures) })).toEqual(signatures);
  expect(signaturesOf({ name: 'solana', signatures: '{}' })).toEqual([]);
});

it.each([
  '',
  '{',
  'null',
  '1',
  '"client"',
  '[]',
  '["YQ=="]',
  '{"client":null}',
  '{"client":["YQ=="]}',
  '{"a":"","b":1}',
])('names the key whose row holds %j instead', (signatures) => {
  expect(() => signaturesOf({ name: 'solana', signatures })).toThrow(/holds no key "solana" as expected: signatures/);
});
