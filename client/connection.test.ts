import { describe, expect, test } from 'vitest';
import { clientOptions, connectionOf, encodeConnection, parseConnection } from './connection.ts';
import type { Connection } from './connection.ts';
import { fakeWallet } from './testing/fake-wallet.ts';
import { verifyWalletFacts } from './wallet-facts.ts';

const fake = fakeWallet();
const wallet = verifyWalletFacts(fake.facts, { fingerprints: fake.holders.map(({ fingerprint }) => fingerprint) });
const endpoints = new Map([
  ['backup', '127.0.0.1:8003'],
  ['client', '127.0.0.1:8002'],
  ['infrastructure', '[::1]:8001'],
]);
const connection = connectionOf(wallet, endpoints);

test('a connection survives its file, Infrastructure first, with certificates that verify', () => {
  const read = parseConnection(encodeConnection(connection));
  expect(read).toMatchObject(connection);
  expect(read.holders.map(({ name, role, endpoint }) => [name, role, endpoint])).toEqual([
    ['infrastructure', 'Infrastructure', '[::1]:8001'],
    ['client', 'Client', '127.0.0.1:8002'],
    ['backup', 'Backup', '127.0.0.1:8003'],
  ]);
  expect([...read.keys.keys()]).toEqual(['bitcoin', 'ethereum', 'solana']);
  expect(read.statement).toEqual(fake.genesis);
});

test('a client is told to ask Infrastructure first, and to believe only the pins', () => {
  expect(clientOptions(connection)).toEqual({
    genesis: fake.genesisDigest,
    endpoints: [
      { address: '[::1]:8001', fingerprint: fake.holders[0]?.fingerprint },
      { address: '127.0.0.1:8002', fingerprint: fake.holders[1]?.fingerprint },
      { address: '127.0.0.1:8003', fingerprint: fake.holders[2]?.fingerprint },
    ],
  });
});

test('holders without an endpoint are left out', () => {
  const { holders } = connectionOf(wallet, new Map([['client', '127.0.0.1:8002']]));
  expect(holders.map(({ name }) => name)).toEqual(['client']);
});

describe('a file that does not follow from its genesis is refused', () => {
  const [first, second, third] = connection.holders as [
    Connection['holders'][0],
    Connection['holders'][0],
    Connection['holders'][0],
  ];
  const other = fakeWallet();
  const forged = other.facts.certificates.map(({ statement, signatures }) => ({
    statement: statement.toString(),
    signatures,
  }));
  const [certificate] = connection.certificates as [Connection['certificates'][0]];
  const cases: readonly (readonly [string, Partial<Connection>, string])[] = [
    ['another digest', { genesis: other.genesisDigest }, 'connection.genesisStatement: want sha256:'],
    [
      'another wallet',
      { wallet: 'payments/other' },
      'connection.wallet: want payments/treasury of genesis, got "payments/other"',
    ],
    ['a stranger among the holders', { holders: [{ ...first, name: 'mallory' }] }, '"mallory" is no holder of genesis'],
    [
      'a holder with another role',
      { holders: [{ ...third, role: 'Client' }] },
      'role: want Backup of genesis, got Client',
    ],
    [
      'a pin that is another holder’s',
      { holders: [first, { ...second, fingerprint: first.fingerprint }] },
      'connection.holders[1].fingerprint: want sha256:',
    ],
    ['a holder twice', { holders: [first, first] }, 'connection.holders[1].name: "infrastructure" is repeated'],
    ['no holder', { holders: [] }, 'want 1 to 9 entries, got 0'],
    [
      'no port',
      { holders: [{ ...first, endpoint: '127.0.0.1' }] },
      'connection.holders[0].endpoint: want host:port, got "127.0.0.1"',
    ],
    ['certificates of another wallet', { certificates: forged }, 'of another wallet'],
    [
      'a certificate that not all signed',
      { certificates: [{ ...certificate, signatures: certificate.signatures.slice(1) }] },
      'want the signatures of all 3 holders, got 2',
    ],
    ['a certificate twice', { certificates: [certificate, certificate] }, 'two for key'],
  ];
  test.each(cases)('%s', (_, change, message) => {
    expect(() => parseConnection(encodeConnection({ ...connection, ...change }))).toThrow(message);
  });
});

describe('a file in another form is refused', () => {
  const text = encodeConnection(connection);
  test.each([
    ['cut', text.slice(0, -3), 'connection: not JSON of the operator'],
    ['white space added', `${text} `, 'not as the operator writes it'],
    ['a member repeated', text.replace('{', '{"wallet": "payments/other",'), 'not as the operator writes it'],
    ['an unknown member', text.replace('{', '{"token": "x",'), 'connection: unknown member "token"'],
    ['a number', text.replace('"payments/treasury"', '1'), 'want only strings, lists and objects, got a number'],
    ['nothing', '', 'connection: not JSON of the operator'],
    ['null', 'null', 'want only strings, lists and objects, got null'],
    ['huge', ' '.repeat(4 * 1024 * 1024 + 1), 'want at most 4194304 characters'],
  ])('%s', (_, changed, message) => {
    expect(() => parseConnection(changed)).toThrow(message);
  });
});
