import { describe, expect, test } from 'vitest';
import type { GenesisStatement } from '../../statement/statements.ts';
import { fake, holder } from '../testing/holder-states.ts';
import { availability } from './holder-state.ts';
import type { HolderState } from './holder-state.ts';

const founded = { digest: fake.genesisDigest };
const fenced = (name: string) => ({
  name,
  available: true,
  fenced: true,
  refused: '',
  head: undefined,
  signedHead: undefined,
});
/** A holder of this role whose signer serves and leaves `others` out. */
const leavingOut = (
  name: string,
  role: GenesisStatement['holders'][number]['role'],
  others: readonly string[] = [],
  problems: readonly string[] = [],
): HolderState => ({ ...holder('client', { peers: others.map(fenced), problems: [...problems] }), name, role });
const [infrastructure, client, backup] = [
  leavingOut('infrastructure', 'Infrastructure'),
  leavingOut('client', 'Client'),
  leavingOut('backup', 'Backup'),
];

describe('a holder that is left out since a check failed counts as gone', () => {
  const cases: readonly (readonly [string, readonly HolderState[], readonly string[], number])[] = [
    ['where nobody is', [infrastructure, client, backup], [], 0],
    [
      'by the only Infrastructure',
      [leavingOut('infrastructure', 'Infrastructure', ['client']), client, backup],
      [
        'client: left out by infrastructure: a cryptographic check failed on its message, which nothing clears in this version',
      ],
      -1,
    ],
    [
      'but not by one that leads no signing',
      [infrastructure, leavingOut('client', 'Client', ['infrastructure']), backup],
      [],
      0,
    ],
    [
      'nor by one that is not there itself',
      [leavingOut('infrastructure', 'Infrastructure', ['client'], ['disk full']), client, backup],
      ['infrastructure: disk full'],
      -1,
    ],
    [
      'where others are enough',
      [
        leavingOut('infrastructure', 'Infrastructure', ['client']),
        client,
        leavingOut('b', 'Client'),
        leavingOut('c', 'Client'),
      ],
      [
        'client: left out by infrastructure: a cryptographic check failed on its message, which nothing clears in this version',
      ],
      0,
    ],
    [
      'by another Infrastructure, and may sign with the first',
      [leavingOut('a', 'Infrastructure', ['b']), leavingOut('b', 'Infrastructure', ['a']), client],
      [
        'a: left out by b: a cryptographic check failed on its message, which nothing clears in this version',
        'b: left out by a: a cryptographic check failed on its message, which nothing clears in this version',
      ],
      0,
    ],
  ];
  test.each(cases)('%s', (_, holders, expected, losses) => {
    const { unavailable, losses: tolerable } = availability(2, holders, founded);
    expect(unavailable.map(({ name, why }) => `${name}: ${why}`)).toEqual(expected);
    expect(tolerable).toBe(losses);
  });
});

test('a holder that is refused since its disk was restored counts as gone, with the reason', () => {
  const refused = 'RollbackDetected: client is refused: it has 2 records';
  const peers = [{ name: 'client', available: false, fenced: false, refused, head: undefined, signedHead: undefined }];
  const leader = { ...holder('infrastructure', { peers }), role: 'Infrastructure' as const };
  expect(availability(2, [leader, client, backup], founded)).toEqual({
    unavailable: [{ name: 'client', why: `RollbackDetected: left out by infrastructure: ${refused}` }],
    losses: -1,
  });
});

test('as many may go as leave a quorum, whoever they are', () => {
  const holders = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => leavingOut(name, 'Client'));
  const two = [leavingOut('x', 'Infrastructure'), leavingOut('y', 'Infrastructure')];
  expect([2, 8, 9, 10].map((threshold) => availability(threshold, [...two, ...holders], founded).losses)).toEqual([
    1, 1, 0, -1,
  ]);
});
