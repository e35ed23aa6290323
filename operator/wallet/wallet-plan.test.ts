import { describe, expect, test } from 'vitest';
import { digest, utf8 } from '../../common/bytes.ts';
import { conditionOf } from '../api/conditions.ts';
import type { ConditionType } from '../api/conditions.ts';
import { validate } from '../api/validate.ts';
import type { Wallet } from '../api/resource.ts';
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
import { aSigner, aWallet, now } from '../testing/objects.ts';
import { planWallet } from './wallet-plan.ts';
import type { WalletFacts } from './wallet-plan.ts';

const policy = { kind: 'Valid', document: known.policyDocument, digest: fake.genesis.policy } as const;
const facts = (over: Partial<WalletFacts> = {}): WalletFacts => ({
  wallet: aWallet({}, { genesis: fake.genesisDigest }),
  policy,
  holders: holders(),
  missing: { write: [], sealless: [], waiting: [] },
  known,
  unproven: '',
  peers: new Map(),
  provisioned: new Map(),
  refusals: new Map(),
  sharedMachine: false,
  now,
  ...over,
});
const unfounded: Partial<WalletFacts> = { wallet: aWallet(), known: undefined, holders: holders(unprovisioned) };
/** The wallet as a reconcile before left it. */
const settled = (spec: Partial<Wallet['spec']> = {}): Wallet => aWallet(spec, planWallet(facts()).status);
const fenced = (name: string) => ({
  name,
  available: true,
  fenced: true,
  refused: '',
  head: undefined,
  signedHead: undefined,
});
const conditionIn = (over: Partial<WalletFacts>, type: ConditionType) =>
  conditionOf(planWallet(facts(over)).status.conditions, type);

test('a wallet that works says so in a status that its schema takes', () => {
  const { status, losses, connection, writeSigners } = planWallet(facts());
  expect(status.conditions?.map(({ type, status: is, reason }) => [type, is, reason])).toEqual([
    ['Ready', 'True', 'Ready'],
    ['KeysGenerated', 'True', 'AllGenerated'],
    ['SignersAvailable', 'True', 'AllAvailable'],
    ['PolicyEnforced', 'True', 'AllEnforce'],
    ['GenesisConfirmed', 'False', 'OperatorTrustedOnce'],
    ['Independent', 'False', 'SharedNamespace'],
  ]);
  expect(status).toMatchObject({ genesis: fake.genesisDigest, keysReady: '2/2', signersAvailable: '3/3' });
  expect(status.keys?.map(({ name, publicKey, addresses }) => [name, publicKey, Object.keys(addresses)])).toEqual([
    ['solana', fake.solana.publicKey, ['solana']],
    ['bitcoin', known.certificates.get('bitcoin')?.certificate.publicKey, ['bitcoin']],
  ]);
  expect(status.holders?.[1]).toEqual({
    name: 'client',
    available: true,
    fingerprint: fingerprintOf('client'),
    policyDigest: known.policyDigest,
    epoch: '0',
    version: '0.1.0',
  });
  expect(validate({ ...aWallet(), status })).toEqual([]);
  expect(connection?.holders.map(({ name }) => name)).toEqual(['infrastructure', 'client', 'backup']);
  expect([losses, writeSigners]).toEqual([0, []]);
});

test('the same facts give the same status', () => {
  const { status } = planWallet(facts());
  expect(planWallet(facts({ wallet: aWallet({}, status), now: now + 60_000 })).status).toEqual(status);
});

describe('SignersAvailable tells what the signers that are there are worth', () => {
  const fourOfRoles = (...roles: readonly ('Infrastructure' | 'Client')[]): Partial<WalletFacts> => ({
    wallet: aWallet({ holders: roles.map((role, i) => ({ name: `h${i}`, role })) }, { genesis: fake.genesisDigest }),
    holders: roles.map((role, i) => ({ ...holder('client'), name: `h${i}`, role })),
  });
  const cases: readonly (readonly [string, Partial<WalletFacts>, string, string, number])[] = [
    ['all', {}, 'AllAvailable', '3 of 3; signing tolerates 0 more losses', 0],
    [
      'all but the backup',
      { holders: [holder('infrastructure'), holder('client'), gone('backup')] },
      'SignerUnavailable',
      '2 of 3; signing tolerates 0 more losses; backup: ended with code 1',
      0,
    ],
    [
      'all but the client',
      { holders: [holder('infrastructure'), gone('client'), holder('backup')] },
      'QuorumLost',
      '2 of 3; nothing can be signed; client: ended',
      -1,
    ],
    [
      'all but the only Infrastructure',
      { holders: [gone('infrastructure'), holder('client'), holder('backup')] },
      'QuorumLost',
      'nothing can be signed',
      -1,
    ],
    [
      'one of another wallet',
      { holders: [holder('infrastructure'), holder('client', { genesis: digest(utf8('other')) }), holder('backup')] },
      'QuorumLost',
      'client: belongs to another wallet',
      -1,
    ],
    [
      'one that lost its state',
      {
        holders: [
          holder('infrastructure'),
          holder('client', { ...unprovisioned, identity: description('backup').identity }),
          holder('backup'),
        ],
      },
      'QuorumLost',
      'client: not the signer that the wallet was founded with',
      -1,
    ],
    [
      'one in trouble',
      { holders: [holder('infrastructure'), holder('client', { problems: ['disk full'] }), holder('backup')] },
      'QuorumLost',
      'client: disk full',
      -1,
    ],
    [
      'a second Infrastructure',
      fourOfRoles('Infrastructure', 'Infrastructure', 'Client'),
      'AllAvailable',
      'signing tolerates 1 more loss',
      1,
    ],
    [
      'clients to spare do not replace the Infrastructure',
      fourOfRoles('Infrastructure', 'Client', 'Client', 'Client'),
      'AllAvailable',
      'signing tolerates 0 more losses',
      0,
    ],
  ];
  test.each(cases)('%s', (_, over, reason, message, losses) => {
    const plan = planWallet(facts({ ...over, known: { ...known, genesis: { ...known.genesis } } }));
    const found = conditionOf(plan.status.conditions, 'SignersAvailable');
    expect(found).toMatchObject({ status: reason === 'AllAvailable' ? 'True' : 'False', reason });
    expect(found?.message).toContain(message);
    expect(plan.losses).toBe(losses);
  });
});

test('a holder that is left out is told of like one that is gone, and the wallet is not ready', () => {
  const holders = [holder('infrastructure', { peers: [fenced('client')] }), holder('client'), holder('backup')];
  const { status, events } = planWallet(facts({ wallet: settled(), holders }));
  expect(conditionOf(status.conditions, 'Ready')).toMatchObject({ status: 'False', reason: 'QuorumLost' });
  expect(status).toMatchObject({ signersAvailable: '2/3', holders: [{}, { name: 'client', available: false }, {}] });
  expect(events).toEqual([
    {
      type: 'Warning',
      reason: 'SignerUnavailable',
      message:
        'client: left out by infrastructure: a cryptographic check failed on its message, which nothing clears in this version',
    },
  ]);
});

test('a holder whose disk was restored is told of with its own reason, once, although it was away before', () => {
  const why = "RollbackDetected: backup shows record 9 of this signer's audit log";
  const restored = holder('backup', { problems: [why] });
  const away = planWallet(
    facts({ wallet: settled(), holders: [holder('infrastructure'), holder('client'), gone('backup')] }),
  );
  const wallet = { ...settled(), status: { ...settled().status, ...away.status } };
  const holders = [holder('infrastructure'), holder('client'), restored];
  const { status, events } = planWallet(facts({ wallet, holders }));
  expect(conditionOf(status.conditions, 'SignersAvailable')).toMatchObject({
    status: 'False',
    reason: 'RollbackDetected',
    message: expect.stringContaining(`backup: ${why}`),
  });
  expect(events).toEqual([{ type: 'Warning', reason: 'RollbackDetected', message: `backup: ${why}` }]);
  expect(planWallet(facts({ wallet: { ...wallet, status }, holders })).events).toEqual([]);
});

describe('Ready', () => {
  const cases: readonly (readonly [string, Partial<WalletFacts>, 'True' | 'False', string, string])[] = [
    [
      'waits for signers to be founded',
      { ...unfounded, holders: [holder('infrastructure', unprovisioned), gone('client'), gone('backup')] },
      'False',
      'WaitingForSigners',
      '1 of 3 signers answer',
    ],
    ['waits while it is founded', unfounded, 'False', 'WaitingForSigners', 'is being founded'],
    [
      'waits for keys',
      {
        holders: [
          holder('infrastructure', {
            keys: [
              {
                name: 'solana',
                scheme: 'EdDSA',
                state: 'Generating',
                message: 'attempt 1 waits for round1 of backup',
                certificate: '',
                epoch: '',
              },
            ],
          }),
          holder('client'),
          holder('backup'),
        ],
      },
      'False',
      'GeneratingKeys',
      'solana: attempt 1 waits for round1 of backup',
    ],
    [
      'says why the last attempt to make a key failed',
      {
        holders: [
          holder('infrastructure', {
            keys: [
              {
                name: 'solana',
                scheme: 'EdDSA',
                state: 'Failed',
                message: 'the proof of client does not verify',
                certificate: '',
                epoch: '',
              },
            ],
          }),
          holder('client'),
          holder('backup'),
        ],
      },
      'False',
      'KeygenFailed',
      'solana: the last attempt failed, holders try again: the proof of client does not verify',
    ],
    [
      'goes on without a signer',
      { holders: [holder('infrastructure'), holder('client'), gone('backup')], wallet: settled() },
      'True',
      'Ready',
      '',
    ],
    [
      'is lost with the quorum',
      { holders: [holder('infrastructure'), gone('client'), holder('backup')], wallet: settled() },
      'False',
      'QuorumLost',
      'client: ended with code 1',
    ],
    [
      'says what a signer refused',
      { refusals: new Map([['client', 'genesis refused']]), holders: holders({ keys: [] }) },
      'False',
      'ProvisioningFailed',
      'client: genesis refused',
    ],
    [
      'waits for an owner to accept the genesis',
      {
        refusals: new Map([['client', 'e:8443: Provision: FAILED_PRECONDITION: "GenesisNotAccepted: not yet"']]),
        holders: holders({ keys: [] }),
      },
      'False',
      'WaitingForHolder',
      'GenesisNotAccepted: not yet',
    ],
    [
      'goes on when a signer that has all refused more',
      { refusals: new Map([['client', 'timeout']]) },
      'True',
      'Ready',
      '',
    ],
    [
      'says whose wallet the signers are',
      { wallet: aWallet({ threshold: 3 }, { genesis: fake.genesisDigest }) },
      'False',
      'GenesisMismatch',
      'spec.threshold',
    ],
  ];
  test.each(cases)('%s', (_, over, status, reason, message) => {
    const ready = conditionIn(over, 'Ready');
    expect(ready).toMatchObject({ status, reason });
    expect(ready?.message).toContain(message);
  });
});

describe('KeysGenerated', () => {
  const pending = (name: string) => ({
    name,
    scheme: 'EdDSA',
    state: 'Prepared',
    message: '',
    certificate: '',
    epoch: '',
  });
  const late = description('backup', { keys: [pending('solana'), pending('bitcoin')] });
  const oneKey = { ...known, certificates: new Map([...known.certificates].filter(([name]) => name === 'solana')) };
  const cases: readonly (readonly [string, Partial<WalletFacts>, 'True' | 'False', string, string])[] = [
    ['wants every key certified', { known: oneKey }, 'False', 'GeneratingKeys', 'bitcoin: waits for'],
    [
      'wants every holder to have it',
      { holders: [holder('infrastructure'), holder('client'), holder('backup', { keys: late.keys })] },
      'False',
      'GeneratingKeys',
      'solana: waits for backup to have it',
    ],
    [
      'does not take a holder’s silence for its word',
      { holders: [holder('infrastructure'), holder('client'), gone('backup')] },
      'False',
      'GeneratingKeys',
      'waits for backup',
    ],
    [
      'remembers the word of one that went away',
      { holders: [holder('infrastructure'), holder('client'), gone('backup')], wallet: settled() },
      'True',
      'AllGenerated',
      '',
    ],
    [
      'is False for a key that was made with another scheme',
      { wallet: aWallet({ keys: [{ name: 'solana', scheme: 'Schnorr' }] }, { genesis: fake.genesisDigest }) },
      'False',
      'InvalidSpec',
      'key solana is of scheme EdDSA for good, the spec says Schnorr',
    ],
    [
      'is False for a scheme that a signer has no engine for',
      {
        wallet: aWallet(
          { keys: [...aWallet().spec.keys, { name: 'ethereum', scheme: 'ECDSA' }] },
          { genesis: fake.genesisDigest },
        ),
      },
      'False',
      'SchemeUnsupported',
      'key ethereum: no ECDSA at infrastructure: its version is older than ECDSA',
    ],
    [
      'stays what it was while no signer can be asked',
      { known: undefined, holders: [gone('infrastructure'), gone('client'), gone('backup')], wallet: settled() },
      'True',
      'AllGenerated',
      '',
    ],
  ];
  test.each(cases)('%s', (_, over, status, reason, message) => {
    const found = conditionIn(over, 'KeysGenerated');
    expect(found).toMatchObject({ status, reason });
    expect(found?.message).toContain(message);
  });
});

describe('PolicyEnforced', () => {
  const cases: readonly (readonly [string, Partial<WalletFacts>, string, string])[] = [
    [
      'an edited policy',
      { policy: { ...policy, digest: digest(utf8('edited')) } },
      'ChangeUnsupported',
      `signers enforce policy ${known.policyDigest}`,
    ],
    ['a policy that is gone', { policy: { kind: 'Missing' } }, 'PolicyNotFound', 'signers enforce'],
    [
      'a policy that became invalid',
      { policy: { kind: 'Invalid', reason: 'InvalidPolicy', message: 'rules[0]' } },
      'PolicyInvalid',
      'rules[0]; signers enforce',
    ],
    [
      'a holder that has not said so',
      { holders: [holder('infrastructure'), holder('client', unprovisioned), holder('backup')] },
      'WaitingForHolders',
      'client did not acknowledge',
    ],
  ];
  test.each(cases)('False: %s', (_, over, reason, message) => {
    const found = conditionIn(over, 'PolicyEnforced');
    expect(found).toMatchObject({ status: 'False', reason });
    expect(found?.message).toContain(message);
  });

  test('a holder that went away keeps its word', () => {
    expect(
      conditionIn(
        { wallet: settled(), holders: [holder('infrastructure'), holder('client'), gone('backup')] },
        'PolicyEnforced',
      )?.status,
    ).toBe('True');
  });
});

describe('events tell what became otherwise', () => {
  const reasons = (over: Partial<WalletFacts>): string[] =>
    planWallet(facts(over)).events.map(({ reason, message }) => `${reason}: ${message}`);
  const withoutClient = [holder('infrastructure'), gone('client'), holder('backup')];
  const before = (over: Partial<WalletFacts>): Wallet =>
    aWallet({}, planWallet(facts({ wallet: settled(), ...over })).status);
  test.each([
    [
      'keys and policy, once',
      {},
      [
        'KeysGenerated: solana, bitcoin: certified by all 3 holders',
        `PolicyEnforced: all 3 holders enforce policy ${known.policyDigest}`,
      ],
    ],
    ['nothing where nothing changed', { wallet: settled() }, []],
    [
      'a signer that went away',
      { wallet: settled(), holders: withoutClient },
      ['SignerUnavailable: client: ended with code 1'],
    ],
    ['not again while it is away', { wallet: before({ holders: withoutClient }), holders: withoutClient }, []],
    [
      'a signer that came back',
      { wallet: before({ holders: withoutClient }) },
      ['SignerRestored: client answers and serves again'],
    ],
    ['not that signers start', unfounded, []],
  ] as const)('%s', (_, over, expected) => {
    expect(reasons(over)).toEqual(expected);
  });
});

test('what a wallet that is not founded yet was told of a genesis is not its own', () => {
  const plan = planWallet(
    facts({
      wallet: aWallet(),
      holders: [holder('infrastructure'), holder('client', unprovisioned), holder('backup', unprovisioned)],
      policy: { kind: 'Missing' },
    }),
  );
  expect(plan.status.genesis).toBeUndefined();
  expect([plan.genesis, plan.connection, plan.provision, plan.losses]).toEqual(['', undefined, [], -1]);
});

test('a signer that was never started is left out of the connection', () => {
  const { connection } = planWallet(
    facts({
      holders: [
        holder('infrastructure'),
        holder('client', {}, { observation: observation('client', { signEndpoint: '' }) }),
        holder('backup'),
      ],
    }),
  );
  expect(connection?.holders.map(({ name }) => name)).toEqual(['infrastructure', 'backup']);
});

test('Signers are written for what can be founded, and for what was', () => {
  const missing = { write: [aSigner('client')], sealless: [], waiting: [] };
  const spec = { genesis: { confirm: 'Approvers' as const } };
  expect(planWallet(facts({ ...unfounded, missing })).writeSigners).toEqual(missing.write);
  expect(planWallet(facts({ ...unfounded, missing, wallet: aWallet(spec) })).writeSigners).toEqual([]);
  expect(planWallet(facts({ missing, wallet: aWallet(spec, { genesis: fake.genesisDigest }) })).writeSigners).toEqual(
    missing.write,
  );
});
