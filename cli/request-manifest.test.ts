import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { signRequest } from '../client/request.ts';
import { digest, fromHex, utf8 } from '../common/bytes.ts';
import { validate } from '../operator/api/validate.ts';
import { parseStatement } from '../statement/statements.ts';
import { expiryOf, manifestOf, statementOf } from './request-manifest.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const genesis = digest(utf8('genesis'));
const signed = (id: string, data: Uint8Array, chain = '') =>
  signRequest(
    {
      genesis,
      id,
      key: 'solana',
      chain,
      format: 'Message',
      data,
      initiator: 'payments-api',
      expiresAt: 1_800_000_000_000,
    },
    privateKey,
  );

describe('the manifest of a signed request', () => {
  test.each([
    ['pay-42', 'pay-42'],
    ['payments/pay-42', 'pay-42'],
    ['Pay_42!', 'pay-42'],
    ['---', 'request'],
    [`${'x'.repeat(250)}.`, 'x'.repeat(200)],
  ])('of id %s is valid and named as near to it as can be', (id, name) => {
    const { statement, signature } = signed(id, Uint8Array.of(1));
    const manifest = manifestOf(parseStatement('holdfast/request/v1', statement), signature, 'payments/treasury');
    expect(manifest.metadata).toEqual({ name, namespace: 'payments' });
    expect(validate(manifest)).toEqual([]);
  });

  test('gives back the very bytes that were signed', () => {
    const chains = fc.constantFrom('', 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp');
    fc.assert(
      fc.property(
        fc.stringMatching(/^[!-~]{1,100}$/),
        fc.uint8Array({ minLength: 1, maxLength: 100 }),
        chains,
        (id, data, chain) => {
          const { statement, signature } = signed(id, data, chain);
          const manifest = manifestOf(parseStatement('holdfast/request/v1', statement), signature, 'payments/treasury');
          expect(statementOf(manifest, genesis)).toEqual(statement);
        },
      ),
    );
  });

  test('without an id is known by its namespace and name', () => {
    const { statement, signature } = signed('payments/pay-42', fromHex('01'));
    const { metadata, spec, ...rest } = manifestOf(
      parseStatement('holdfast/request/v1', statement),
      signature,
      'payments/treasury',
    );
    const { id: _, ...without } = spec;
    expect(statementOf({ ...rest, metadata, spec: without }, genesis)).toEqual(statement);
  });
});

test.each([
  ['90s', 90_000],
  ['15m', 900_000],
  ['1h', 3_600_000],
  ['7d', 604_800_000],
])('--expires %s is so far ahead', (text, ms) => {
  expect(expiryOf(text, 1_000)).toBe(1_000 + ms);
});

test('--expires takes a time too, and nothing else', () => {
  expect(expiryOf('2026-12-01T00:00:00Z', 0)).toBe(Date.parse('2026-12-01T00:00:00Z'));
  for (const text of ['', '0h', '-1h', '1w', '1', 'tomorrow', '2026-12-01', '2026-12-01T00:00:00+01:00'])
    expect(() => expiryOf(text, 0)).toThrow('--expires: want a span like 15m, 1h or 7d');
});
