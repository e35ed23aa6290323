import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { digest, utf8 } from '../common/bytes.ts';
import { sshKeyOf } from '../statement/ssh-key.ts';
import { verifySshsig } from '../statement/sshsig.ts';
import { parseStatement } from '../statement/statements.ts';
import { encodeRequest, signRequest } from './request.ts';

const fields = {
  genesis: digest(utf8('genesis')),
  id: 'payments/pay-42',
  key: 'solana',
  chain: '',
  format: 'Message',
  data: utf8('hello'),
  initiator: 'payments-api',
  expiresAt: Date.parse('2026-12-01T00:00:00.900Z'),
} as const;

test.each(['ed25519', 'P-256'])(
  'a request is a statement and its initiator signature, with a key of kind %s',
  (kind) => {
    const { privateKey } =
      kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { statement, signature, digest: named } = signRequest(fields, privateKey);
    expect(parseStatement('holdfast/request/v1', statement)).toEqual({
      type: 'holdfast/request/v1',
      genesis: fields.genesis,
      id: 'payments/pay-42',
      key: 'solana',
      path: '',
      chain: '',
      format: 'Message',
      data: '0x68656c6c6f',
      initiator: 'payments-api',
      expiresAt: '2026-12-01T00:00:00Z',
    });
    expect(named).toBe(digest(statement));
    verifySshsig({
      armored: signature,
      namespace: 'request@holdfast.dev',
      message: statement,
      key: sshKeyOf(privateKey),
    });
  },
);

test('a request with a field of another form is refused where it is made', () => {
  expect(() => encodeRequest({ ...fields, key: 'Solana' })).toThrow('request.key: want a name');
});
