import { describe, expect, test } from 'vitest';
import type { Finding } from '../api/conditions.ts';
import {
  fake,
  fingerprintOf,
  gone,
  holder,
  holders,
  known,
  observation,
  unprovisioned,
} from '../testing/holder-states.ts';
import { anExternalSigner, aWallet } from '../testing/objects.ts';
import { findWallet } from './wallet-findings.ts';
import type { FindingFacts } from './wallet-findings.ts';

const found = (over: Partial<FindingFacts>, condition: Finding['type'] = 'Independent'): Finding | undefined =>
  findWallet({
    wallet: aWallet({}, { genesis: fake.genesisDigest }),
    policy: { kind: 'Valid', document: known.policyDocument, digest: fake.genesis.policy },
    holders: holders(),
    decision: { kind: 'Known', known },
    known,
    available: { unavailable: [], losses: 0 },
    refusals: new Map(),
    sharedMachine: false,
    ...over,
  }).find(({ type }) => type === condition);

describe('Independent counts what one hand holds', () => {
  const elsewhere = (...names: readonly string[]) =>
    holders().map((each) =>
      names.includes(each.name)
        ? { ...each, signer: anExternalSigner(each.name, { endpoint: 'e:1', fingerprint: fingerprintOf(each.name) }) }
        : each,
    );
  const spread = (...namespaces: readonly (string | undefined)[]): Partial<FindingFacts> => ({
    wallet: aWallet(
      {
        holders: aWallet().spec.holders.map((each, i) => ({
          ...each,
          ...(namespaces[i] !== undefined && { namespace: namespaces[i] }),
        })),
      },
      { genesis: fake.genesisDigest },
    ),
  });
  const cases: readonly (readonly [string, Partial<FindingFacts>, 'True' | 'False', string])[] = [
    ['one machine', { sharedMachine: true }, 'False', 'SharedMachine'],
    [
      'one machine with a signer elsewhere',
      { sharedMachine: true, holders: elsewhere('client') },
      'False',
      'SharedMachine',
    ],
    [
      'one machine with less than a quorum',
      { sharedMachine: true, holders: elsewhere('client', 'backup') },
      'True',
      'NoSharedCustody',
    ],
    [
      'one namespace with less than a quorum',
      { ...spread(), holders: elsewhere('client', 'backup') },
      'True',
      'NoSharedCustody',
    ],
    ['one namespace', spread(), 'False', 'SharedNamespace'],
    ['a namespace with two of two', spread('acme', 'acme', 'vault'), 'False', 'SharedNamespace'],
    ['a namespace each', spread(undefined, 'acme', 'vault'), 'True', 'NoSharedCustody'],
  ];
  test.each(cases)('%s', (_, over, status, reason) => {
    expect(found(over)).toMatchObject({ status, reason });
  });
});

describe('SignersAvailable names the links that are missing between signers that answer', () => {
  const peer = (name: string, over: object = {}) => ({
    ...{ name, available: false, fenced: false, refused: '', head: undefined, signedHead: undefined },
    ...over,
  });
  const [, client, backup] = holders();
  const message = (over: object, clientNow = client!) =>
    found(
      {
        holders: [
          holder('infrastructure', { peers: [peer('client', over), peer('backup', { available: true })] }),
          clientNow,
          backup!,
        ],
      },
      'SignersAvailable',
    )?.message;

  test('of who leads signings, with the address that does not lead there', () => {
    expect(message({})).toBe(
      `3 of 3; signing tolerates 0 more losses; infrastructure has no link to client at ${observation('client').peerEndpoint}`,
    );
  });

  test.each([
    ['is there', message({ available: true })],
    ['was cut off on purpose', message({ fenced: true })],
    ['has nobody at its end', message({}, gone('client'))],
    ['has nobody at its end who is in the wallet', message({}, holder('client', unprovisioned))],
  ])('and none that %s', (_, told) => {
    expect(told).toBe('3 of 3; signing tolerates 0 more losses');
  });
});
