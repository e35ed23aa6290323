import { describe, expect, test } from 'vitest';
import { digest, utf8 } from '../../common/bytes.ts';
import { encodeStatement } from '../../statement/statements.ts';
import type { Wallet } from '../api/resource.ts';
import { fake, fingerprintOf, gone, holder, holders, known, unprovisioned } from '../testing/holder-states.ts';
import { aSigner, aWallet } from '../testing/objects.ts';
import { decideGenesis } from './genesis-decision.ts';
import type { GenesisFacts } from './genesis-decision.ts';

const document = utf8('{"rules":[]}');
const policy = { kind: 'Valid', document, digest: digest(document) } as const;
const editedPolicy = { ...policy, digest: digest(utf8('edited')) };
const missing = { write: [], sealless: [], waiting: [] };
const remembered = aWallet({}, { genesis: fake.genesisDigest });
const facts = (over: Partial<GenesisFacts> = {}): GenesisFacts => ({
  wallet: aWallet(),
  policy,
  holders: holders(unprovisioned),
  missing,
  known: undefined,
  unproven: '',
  sharedMachine: false,
  ...over,
});

test('where nobody has a genesis and everybody answers, one is made of all they said', () => {
  const decision = decideGenesis(facts());
  if (decision.kind !== 'Found') throw new Error(decision.kind);
  expect(encodeStatement(decision.genesis)).toEqual(encodeStatement(fake.genesis));
  expect(decision.policyDocument).toBe(document);
});

describe('while anything is missing, none is made', () => {
  const otherNamespace = { holder: 'backup', namespace: 'vault', manifest: 'kind: Signer\n', seen: true };
  const unpinned = holder('client', {}, { signer: aSigner('client'), answer: undefined });
  const cases: readonly (readonly [string, Partial<GenesisFacts>, string, string])[] = [
    [
      'a signer that does not run',
      { holders: [holder('infrastructure', unprovisioned), gone('client'), holder('backup', unprovisioned)] },
      'WaitingForSigners',
      '2 of 3 signers answer; waits for client (ended with code 1)',
    ],
    [
      'a signer without a pin',
      { holders: [holder('infrastructure', unprovisioned), unpinned, holder('backup', unprovisioned)] },
      'WaitingForSigners',
      'waits for client (starting)',
    ],
    [
      'a holder in another namespace',
      { missing: { ...missing, waiting: [otherNamespace] } },
      'WaitingForHolder',
      'apply in namespace vault:\nkind: Signer',
    ],
    [
      'a holder in a namespace that is not seen',
      { missing: { ...missing, waiting: [{ ...otherNamespace, seen: false }] } },
      'WaitingForHolder',
      'does not see namespace vault of backup: operator.namespaces of the chart',
    ],
    [
      'a seal',
      { missing: { ...missing, sealless: ['client'] } },
      'InvalidSpec',
      'spec.signers.seal: is needed for client',
    ],
    ['the policy', { policy: { kind: 'Missing' } }, 'PolicyNotFound', 'no SigningPolicy treasury in payments'],
    [
      'a valid policy',
      { policy: { kind: 'Invalid', reason: 'InvalidPolicy', message: 'rules[0]: nonsense' } },
      'PolicyInvalid',
      'rules[0]: nonsense',
    ],
    [
      'a policy of this version',
      { policy: { kind: 'Invalid', reason: 'FeatureUnsupported', message: 'rules[0].timeLock' } },
      'FeatureUnsupported',
      'rules[0].timeLock',
    ],
    [
      'approvers who confirm',
      { wallet: aWallet({ genesis: { confirm: 'Approvers' } }) },
      'FeatureUnsupported',
      'spec.genesis.confirm',
    ],
  ];
  test.each(cases)('%s', (_, over, reason, message) => {
    const decision = decideGenesis(facts(over));
    expect(decision).toMatchObject({ kind: 'Blocked', reason });
    expect(decision.kind === 'Blocked' && decision.message).toContain(message);
  });
});

describe('as long as any signer may have one, none is made', () => {
  const one = [holder('infrastructure'), holder('client', unprovisioned), holder('backup', unprovisioned)];
  const other = digest(utf8('other'));
  const cases: readonly (readonly [string, Partial<GenesisFacts>, string, string])[] = [
    [
      'one has it and cannot prove it',
      { holders: one, unproven: 'infrastructure: forged' },
      'WaitingForSigners',
      'infrastructure: forged',
    ],
    [
      'two have different ones',
      { holders: [holder('infrastructure'), holder('client', { genesis: other }), holder('backup', unprovisioned)] },
      'GenesisMismatch',
      `${fake.genesisDigest}, ${other}`,
    ],
    [
      'the operator remembers one and signers have none',
      { wallet: remembered },
      'WaitingForSigners',
      `founded as ${fake.genesisDigest}`,
    ],
    [
      'the operator remembers one and nobody answers',
      { wallet: remembered, holders: [gone('infrastructure'), gone('client'), gone('backup')] },
      'WaitingForSigners',
      'infrastructure (ended with code 1)',
    ],
  ];
  test.each(cases)('%s', (_, over, reason, message) => {
    const decision = decideGenesis(facts(over));
    expect(decision).toMatchObject({ kind: 'Blocked', reason });
    expect(decision.kind === 'Blocked' && decision.message).toContain(message);
  });
});

describe('a genesis that signers have proven', () => {
  const one = [holder('infrastructure'), holder('client', unprovisioned), holder('backup', unprovisioned)];
  const two = [holder('infrastructure'), holder('client'), gone('backup')];
  const oneAlone = [holder('infrastructure'), gone('client'), holder('backup', unprovisioned)];
  const exchanged = holder('client', unprovisioned, {
    signer: aSigner('client', { status: { fingerprint: fingerprintOf('backup') } }),
  });
  const threshold3: Wallet['spec']['holders'] = [
    { name: 'infrastructure', role: 'Infrastructure' },
    { name: 'client', role: 'Client' },
    { name: 'backup', role: 'Client' },
  ];
  const cases: readonly (readonly [string, Partial<GenesisFacts>, string])[] = [
    ['by one, with the manifests’ policy, is handed on', { holders: one }, 'Known'],
    ['by one, with a policy of its own, is not', { holders: one, policy: editedPolicy }, `has to be that policy again`],
    [
      'by one, without a policy to compare, is not',
      { holders: one, policy: { kind: 'Missing' } },
      `has to be that policy again`,
    ],
    [
      'by one, with another identity for a holder than its pin, is not',
      { holders: [holder('infrastructure'), exchanged, holder('backup', unprovisioned)] },
      'gives client another identity than its signer has',
    ],
    ['by one, while a holder cannot say what it has, is not', { holders: oneAlone }, 'waits for client'],
    ['by as many as sign, is believed', { holders: two, policy: editedPolicy }, 'Known'],
    [
      'and that the operator remembers, is believed of one, whatever the policy says now',
      { wallet: remembered, holders: one, policy: editedPolicy },
      'Known',
    ],
    [
      'and remembered, stays while nobody answers',
      { wallet: remembered, holders: [gone('infrastructure'), gone('client'), gone('backup')] },
      'Known',
    ],
    [
      'with another threshold than the spec’s, is not this wallet’s',
      { wallet: aWallet({ threshold: 3, holders: threshold3 }), holders: two },
      'spec.threshold: signers were founded with 2, the spec says 3',
    ],
    [
      'with other holders than the spec’s, is not this wallet’s',
      { wallet: aWallet({ holders: threshold3 }), holders: two },
      'backup (Backup), the spec says',
    ],
  ];
  test.each(cases)('%s', (_, over, expected) => {
    const decision = decideGenesis(facts({ known, ...over }));
    if (expected === 'Known') return expect(decision).toEqual({ kind: 'Known', known });
    expect(decision).toMatchObject({ kind: 'Blocked', reason: 'GenesisMismatch' });
    expect(decision.kind === 'Blocked' && decision.message).toContain(expected);
  });
});
