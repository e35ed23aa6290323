import { describe, expect, test } from 'vitest';
import type { Description } from '../../proto/gen/signer/v1/signer.ts';
import { description, fake, fingerprintOf } from '../testing/holder-states.ts';
import { checkDescription } from './signer-answer.ts';

const id = { wallet: 'payments/treasury', holder: 'client' };
const check = (over: Partial<Description>): Description =>
  checkDescription(description('client', over), id, fingerprintOf('client'));

test('a description of whom it should be is taken', () => {
  expect(check({})).toEqual(description('client'));
});

test('its words become lines of bounded length', () => {
  const taken = check({ problems: [`a\u001b[31m\nb${'x'.repeat(2_000)}`], version: 'v'.repeat(100) });
  expect(taken.problems[0]).toMatch(/^a \[31m bx+$/);
  expect(taken.problems[0]).toHaveLength(500);
  expect(taken.version).toHaveLength(64);
});

test('so do those of its schemes and of its peers, of which there are not more than it may have', () => {
  const long = `\u001b${'x'.repeat(2_000)}`;
  const scheme = { name: long, engine: long, problem: long };
  const peer = {
    name: 'backup',
    available: true,
    fenced: false,
    refused: long,
    head: undefined,
    signedHead: undefined,
  };
  const taken = check({ schemes: Array.from({ length: 1_000 }, () => scheme), peers: [peer] });
  expect(taken.schemes).toHaveLength(8);
  const texts = [...taken.schemes.flatMap((each) => Object.values(each)), ...taken.peers.map(({ refused }) => refused)];
  for (const text of texts) expect(text).toMatch(/^ x{63,499}$/);
});

describe('anything else is refused', () => {
  const other = description('backup');
  const cases: readonly (readonly [string, Partial<Description>, string])[] = [
    ['another holder', { holder: 'backup' }, 'says that it is "backup" of "payments/treasury"'],
    ['another wallet', { wallet: 'payments/other' }, 'says that it is "client" of "payments/other"'],
    ['an identity that is not its connection’s', { identity: other.identity }, 'names another identity'],
    [
      'a certificate that is not its connection’s',
      { certificate: other.certificate },
      'names a certificate of another key',
    ],
    ['no certificate', { certificate: new Uint8Array(9) }, 'names a certificate of another key'],
    ['a short nonce', { nonce: new Uint8Array(31) }, 'want a nonce of 32 bytes, got 31'],
    ['a genesis that is no digest', { genesis: 'sha256:0' }, 'want a digest, got "sha256:0"'],
    ['a policy that is no digest', { policyDigest: fake.genesisDigest.toUpperCase() }, 'want a digest'],
    [
      'keys without end',
      {
        keys: Array.from({ length: 65 }, () => ({
          name: '',
          scheme: '',
          state: '',
          message: '',
          certificate: '',
          epoch: '',
        })),
      },
      'describes 65 keys',
    ],
  ];
  test.each(cases)('%s', (_, over, message) => {
    expect(() => check(over)).toThrow(message);
  });
});
