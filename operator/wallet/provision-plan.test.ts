import { describe, expect, test } from 'vitest';
import { utf8 } from '../../common/bytes.ts';
import { encodeStatement } from '../../statement/statements.ts';
import {
  description,
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
import { planProvision, provisionDigest } from './provision-plan.ts';
import type { ProvisionFacts } from './provision-plan.ts';

const names = ['infrastructure', 'client', 'backup'] as const;
const peerOf = (name: (typeof names)[number]) => ({
  name,
  endpoint: observation(name).peerEndpoint,
  certificate: description(name).certificate,
});
const peers = new Map(names.map((name) => [name, peerOf(name)]));
const facts = (over: Partial<ProvisionFacts> = {}): ProvisionFacts => ({
  wallet: aWallet(),
  holders: holders(),
  decision: { kind: 'Known', known },
  peers,
  provisioned: new Map(),
  ...over,
});
const toldTo = (over: Partial<ProvisionFacts>): string[] => planProvision(facts(over)).map(({ holder: name }) => name);
const [told] = planProvision(facts());
const all = new Map(names.map((name) => [name, provisionDigest(told?.request ?? (undefined as never))]));

test('a signer is told genesis, policy, every holder’s address and certificate, and the keys of this version', () => {
  const wallet = aWallet({ keys: [...aWallet().spec.keys, { name: 'ethereum', scheme: 'ECDSA' }] });
  expect(planProvision(facts({ wallet }))[1]).toEqual({
    holder: 'client',
    request: {
      genesis: encodeStatement(fake.genesis),
      policyDocument: known.policyDocument,
      peers: names.map((name) => peerOf(name)),
      keys: [
        { name: 'solana', scheme: 'EdDSA' },
        { name: 'bitcoin', scheme: 'Schnorr' },
      ],
    },
  });
});

test('who runs elsewhere is dialled, and dials others elsewhere alone', () => {
  const at = (name: 'client' | 'backup') =>
    holder(name, {}, { signer: anExternalSigner(name, { endpoint: 'e:7443', fingerprint: fingerprintOf(name) }) });
  const endpoints = (over: Partial<ProvisionFacts>) =>
    planProvision(facts(over)).map(({ request }) => request.peers.map(({ endpoint }) => endpoint));
  const own = names.map((name) => peerOf(name).endpoint);
  expect(endpoints({ holders: [holder('infrastructure'), at('client'), holder('backup')] })).toEqual([
    own,
    ['', own[1], ''],
    own,
  ]);
  const two = { holders: [holder('infrastructure'), at('client'), at('backup')] };
  expect(endpoints(two)).toEqual([own, ['', own[1], own[2]], ['', own[1], own[2]]]);
  const provisioned = new Map(
    planProvision(facts(two)).map(({ holder: name, request }) => [name, provisionDigest(request)]),
  );
  expect(planProvision(facts({ ...two, provisioned }))).toEqual([]);
});

test('a new genesis goes to the first Infrastructure holder alone', () => {
  const decision = { kind: 'Found', genesis: fake.genesis, policyDocument: utf8('{}') } as const;
  expect(toldTo({ decision, holders: holders(unprovisioned) })).toEqual(['infrastructure']);
});

describe('who is told', () => {
  const addedKey = aWallet({ keys: [...aWallet().spec.keys, { name: 'second', scheme: 'EdDSA' }] });
  const strange = new Map([
    ...peers,
    ['client', { ...peerOf('client'), certificate: description('backup').certificate }] as const,
  ]);
  const moved = new Map([...peers, ['client', { ...peerOf('client'), endpoint: '127.0.0.1:1' }] as const]);
  const cases: readonly (readonly [string, Partial<ProvisionFacts>, readonly string[]])[] = [
    ['everyone, by an operator that just started', {}, names],
    ['nobody, when all were told', { provisioned: all }, []],
    [
      'who has no genesis',
      { holders: [holder('infrastructure'), holder('client', unprovisioned), holder('backup')], provisioned: all },
      ['client'],
    ],
    ['everyone, when an address changed', { peers: moved, provisioned: all }, names],
    ['everyone, when a key was added', { wallet: addedKey, provisioned: all }, names],
    ['nobody, while a holder’s address is not known', { peers: new Map([...peers].slice(0, 2)), provisioned: all }, []],
    [
      'who lacks a key, all the same',
      { wallet: addedKey, peers: new Map([...peers].slice(0, 2)), provisioned: all },
      names,
    ],
    ['nobody, while another key answers for a holder', { peers: strange, provisioned: all }, []],
    [
      'not who does not answer',
      { holders: [holder('infrastructure'), gone('client'), holder('backup')] },
      ['infrastructure', 'backup'],
    ],
    [
      'not who belongs to another wallet',
      {
        holders: [
          holder('infrastructure'),
          holder('client', { genesis: `sha256:${'0'.repeat(64)}` }),
          holder('backup'),
        ],
      },
      ['infrastructure', 'backup'],
    ],
    [
      'not who lost the key that the wallet was founded with',
      {
        holders: [
          holder('infrastructure'),
          holder('client', { ...unprovisioned, identity: description('backup').identity }),
          holder('backup'),
        ],
      },
      ['infrastructure', 'backup'],
    ],
    [
      'nobody, while anything is in doubt',
      { decision: { kind: 'Blocked', reason: 'GenesisMismatch', message: '' } },
      [],
    ],
  ];
  test.each(cases)('%s', (_, over, expected) => {
    expect(toldTo(over)).toEqual(expected);
  });
});
