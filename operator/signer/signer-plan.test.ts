import { describe, expect, it, test } from 'vitest';
import { conditionOf } from '../api/conditions.ts';
import { description, fingerprintOf, observation, unprovisioned } from '../testing/holder-states.ts';
import { anExternalSigner, aSigner, aWallet, conditionsOf, now } from '../testing/objects.ts';
import { epochOf, planSigner } from './signer-plan.ts';
import type { SignerFacts } from './signer-plan.ts';

const signer = aSigner('client');
const described = {
  kind: 'Described',
  fingerprint: fingerprintOf('client'),
  description: description('client'),
} as const;
const facts = (over: Partial<SignerFacts> = {}): SignerFacts => ({
  signer,
  wallet: aWallet(),
  signers: [signer],
  observation: observation('client'),
  answer: described,
  operator: 'sha256:operator',
  sharedMachine: true,
  now,
  ...over,
});
const process = {
  wallet: 'payments/treasury',
  holder: 'client',
  role: 'Client',
  namespace: 'payments',
  operator: 'sha256:operator',
  seal: { kind: 'KeyFile', secret: 'treasury-seal', key: 'kek' },
};

test('a Signer that serves says so, with what its signer says of itself', () => {
  const { ensure, status } = planSigner(facts());
  expect(ensure).toEqual(process);
  expect(conditionOf(status.conditions, 'Ready')).toMatchObject({
    status: 'True',
    reason: 'Serving',
    observedGeneration: 1,
  });
  expect(status).toMatchObject({
    fingerprint: fingerprintOf('client'),
    version: '0.1.0',
    epoch: '0',
    policyDigest: description('client').policyDigest,
  });
});

test('a Signer that serves says what of its spec has no effect', () => {
  const shaped = aSigner('client', { spec: { nodeSelector: { zone: 'a' }, priorityClassName: 'high' } });
  expect(
    conditionOf(planSigner(facts({ signer: shaped, signers: [shaped] })).status.conditions, 'Ready'),
  ).toMatchObject({
    status: 'True',
    message: expect.stringMatching(/; without effect in this version: spec.nodeSelector, spec.priorityClassName$/),
  });
});

test('a Signer that serves and could not start again says so, and warns once', () => {
  const warning = { reason: 'SealNotFound', message: 'there is no Secret payments/seal' } as const;
  const first = planSigner(facts({ observation: observation('client', { warning }) }));
  const message = 'the signer, version 0.1.0, serves, but could not be started again: there is no Secret payments/seal';
  expect(conditionOf(first.status.conditions, 'Ready')).toMatchObject({
    status: 'True',
    reason: 'SealNotFound',
    message,
  });
  expect(first.warn).toEqual({ reason: 'SealUnusable', message: `client: ${message}` });
  const warned = { ...signer, status: first.status };
  expect(planSigner(facts({ signer: warned, observation: observation('client', { warning }) })).warn).toBeUndefined();
  const after = planSigner(facts({ signer: warned }));
  expect(after.warn).toBeUndefined();
  expect(conditionOf(after.status.conditions, 'Ready')?.reason).toBe('Serving');
});

test('a Signer that serves and is not all as its spec says so, without a word of its seal', () => {
  const warning = { reason: 'InternalError', message: 'NetworkPolicy refused' } as const;
  const { status, warn } = planSigner(facts({ observation: observation('client', { warning }) }));
  expect(conditionOf(status.conditions, 'Ready')).toMatchObject({
    status: 'True',
    reason: 'InternalError',
    message: 'the signer, version 0.1.0, serves, but is not all as its spec says: NetworkPolicy refused',
  });
  expect(warn).toBeUndefined();
});

test('a Signer that serves says what a change of its spec waits for', () => {
  const { status } = planSigner(facts({ observation: observation('client', { waits: 'backup changed' }) }));
  expect(conditionOf(status.conditions, 'Ready')).toMatchObject({
    status: 'True',
    reason: 'Serving',
    message: 'the signer, version 0.1.0, serves; a change of its spec waits: backup changed',
  });
});

describe('a Signer that should run and does not serve says why', () => {
  const cases: readonly (readonly [string, Partial<SignerFacts>, string, string])[] = [
    ['not started', { observation: undefined, answer: undefined }, 'Starting', 'about to be started'],
    ['not answering', { answer: { kind: 'Silent', message: 'connection refused' } }, 'Starting', 'connection refused'],
    [
      'in a pod that is not ready',
      {
        observation: observation('client', { unready: 'pod payments/x-0 is not ready' }),
        answer: { kind: 'Silent', message: 'connection refused' },
      },
      'Starting',
      'the signer does not answer yet: connection refused; pod payments/x-0 is not ready',
    ],
    [
      'ended',
      {
        observation: observation('client', { running: false, reason: 'Restarting', message: 'ended with code 1' }),
        answer: undefined,
      },
      'Restarting',
      'ended with code 1',
    ],
    [
      'no seal',
      {
        observation: observation('client', { running: false, reason: 'SealNotFound', message: 'no Secret' }),
        answer: undefined,
      },
      'SealNotFound',
      'no Secret',
    ],
    ['exchanged', { answer: { kind: 'Stranger', message: 'another key' } }, 'FingerprintMismatch', 'another key'],
    [
      'no genesis',
      { answer: { ...described, description: description('client', unprovisioned) } },
      'Starting',
      'waits for its genesis',
    ],
    [
      'in trouble',
      { answer: { ...described, description: description('client', { problems: ['disk full'] }) } },
      'NotServing',
      'disk full',
    ],
    [
      'with a restored disk',
      { answer: { ...described, description: description('client', { problems: ['RollbackDetected: record 9'] }) } },
      'RollbackDetected',
      'record 9',
    ],
    [
      'without its HSM',
      {
        observation: observation('client', {
          warning: { reason: 'SealUnavailable', message: 'the PKCS#11 sidecar ended: out of luck' },
        }),
        answer: {
          ...described,
          description: description('client', { problems: ['SidecarMissing: start it'], sealState: 'SidecarMissing' }),
        },
      },
      'SealUnavailable',
      'SidecarMissing: start it; the PKCS#11 sidecar ended: out of luck',
    ],
    [
      'waiting for its HSM',
      { answer: { kind: 'Silent', message: 'connection refused', sealProblem: 'PinRefused: not tried again' } },
      'SealUnavailable',
      'PinRefused: not tried again',
    ],
  ];
  test.each(cases)('%s', (_, over, reason, message) => {
    const { ensure, stop, status } = planSigner(facts(over));
    expect([ensure, stop]).toEqual([process, undefined]);
    const ready = conditionOf(status.conditions, 'Ready');
    expect(ready).toMatchObject({ status: 'False', reason });
    expect(ready?.message).toContain(message);
  });
});

test('a Signer whose disk was restored warns once', () => {
  const problems = ['RollbackDetected: record 9'];
  const answer = { ...described, description: description('client', { problems }) };
  const first = planSigner(facts({ answer }));
  expect(first.warn).toEqual({ reason: 'RollbackDetected', message: 'client: RollbackDetected: record 9' });
  expect(planSigner(facts({ answer, signer: { ...signer, status: first.status } })).warn).toBeUndefined();
});

it('asks for the process of a signer whose seal is an HSM, with its token and PIN', () => {
  const pkcs11 = { image: 'i', module: '/m.so', tokenLabel: 't', pinSecretRef: { name: 'pin', key: 'k' } };
  const asked = (more: { readonly storage?: object }) =>
    planSigner(facts({ signer: aSigner('client', { spec: { seal: { pkcs11: { ...pkcs11, ...more } } } }) })).ensure
      ?.seal;
  const seal = { kind: 'Pkcs11', module: '/m.so', tokenLabel: 't', secret: 'pin', key: 'k', tokenInFiles: false };
  expect(asked({})).toEqual(seal);
  expect(asked({ storage: {} })).toEqual({ ...seal, tokenInFiles: true });
});

describe('a Signer for which nothing may run says why', () => {
  const older = aSigner('client', { meta: { name: 'mine', creationTimestamp: '2026-01-01T00:00:00Z' } });
  const cases: readonly (readonly [string, Partial<SignerFacts>, string, string])[] = [
    ['no wallet', { wallet: undefined, observation: undefined }, 'WalletNotFound', 'no Wallet payments/treasury'],
    [
      'a wallet that is being deleted',
      { wallet: aWallet({}, undefined, { deletionTimestamp: '2026-11-01T00:00:00Z' }), observation: undefined },
      'WalletNotFound',
      'no Wallet',
    ],
    [
      'no such holder',
      { signer: aSigner('mallory') },
      'HolderNotFound',
      'has no holder mallory; it has infrastructure, client, backup',
    ],
    [
      'the wrong namespace',
      { signer: aSigner('client', { meta: { namespace: 'acme' } }) },
      'HolderNotFound',
      'in namespace payments, this Signer is in acme',
    ],
    ['an older Signer', { signers: [signer, older] }, 'AnotherSignerServes', 'Signer mine'],
    [
      'an address that is none',
      { signer: anExternalSigner('client', { endpoint: 'a:65536', fingerprint: 'SHA256:' }), observation: undefined },
      'InvalidSpec',
      'spec.external.endpoint: want a port',
    ],
  ];
  test.each(cases)('%s', (_, over, reason, message) => {
    const { ensure, stop, status } = planSigner(facts(over));
    expect([ensure, stop]).toEqual([undefined, undefined]);
    const ready = conditionOf(status.conditions, 'Ready');
    expect(ready).toMatchObject({ status: 'False', reason });
    expect(ready?.message).toContain(message);
  });
});

describe('a Signer whose signer runs elsewhere', () => {
  const elsewhere = anExternalSigner('client', {
    endpoint: 'signer.acme.example:7443',
    fingerprint: fingerprintOf('client'),
    cidrs: ['203.0.113.7/32'],
  });
  const plan = (over: Partial<SignerFacts> = {}) =>
    planSigner(
      facts({ signer: elsewhere, signers: [elsewhere], observation: undefined, sharedMachine: false, ...over }),
    );
  const readyOf = (over: Partial<SignerFacts>) => conditionOf(plan(over).status.conditions, 'Ready');

  test('has no process here, and says so of it what its signer says', () => {
    const { ensure, stop, status } = plan();
    expect([ensure, stop]).toEqual([undefined, undefined]);
    expect(status).toMatchObject({ fingerprint: fingerprintOf('client'), version: '0.1.0' });
    expect(conditionOf(status.conditions, 'Ready')).toMatchObject({
      status: 'True',
      message: 'the signer, version 0.1.0, serves',
    });
  });

  test('is pinned before it ever answered', () => {
    const answer = { kind: 'Silent', message: 'signer.acme.example:8443: cannot connect: ECONNREFUSED' } as const;
    expect(plan({ answer }).status.fingerprint).toBe(fingerprintOf('client'));
    expect(readyOf({ answer })).toMatchObject({
      status: 'False',
      reason: 'Unreachable',
      message: `no answer from where spec.external says that it runs: ${answer.message}; its owner starts it there, for operator sha256:operator`,
    });
    expect(readyOf({ answer: { kind: 'Stranger', message: 'another key' } })?.reason).toBe('FingerprintMismatch');
  });

  test('waits for its owner to accept the genesis', () => {
    const problems = ['the owner has not accepted genesis sha256:1'];
    const answer = { ...described, description: description('client', { ...unprovisioned, problems }) };
    expect(readyOf({ answer })).toMatchObject({ status: 'False', reason: 'Starting', message: problems[0] });
  });

  test('says that peers have no way to it', () => {
    const { cidrs: _, ...external } = elsewhere.spec.external!;
    const signer = anExternalSigner('client', external);
    expect(readyOf({ signer, signers: [signer] })?.message).toContain('; spec.external.cidrs is empty');
    expect(readyOf({ signer, signers: [signer], sharedMachine: true })?.message).toMatch(/serves$/);
  });

  const stop = { wallet: 'payments/treasury', holder: 'client' };
  test('ends the process that it left here when it moved, and no other’s', () => {
    expect(plan({ observation: observation('client') }).stop).toEqual(stop);
    const older = aSigner('client', { meta: { name: 'mine', creationTimestamp: '2026-01-01T00:00:00Z' } });
    expect(plan({ observation: observation('client'), signers: [elsewhere, older] }).stop).toBeUndefined();
  });

  test('leaves its signer alone when it is deleted', () => {
    const leaving = { ...elsewhere, metadata: { ...elsewhere.metadata, deletionTimestamp: '2026-11-01T00:00:00Z' } };
    const over = { signer: leaving, signers: [leaving] };
    expect(plan(over).stop).toBeUndefined();
    expect(plan({ ...over, observation: observation('client') }).stop).toEqual(stop);
    expect(readyOf(over)?.message).toBe('the signer that runs elsewhere is no longer asked');
  });
});

test('a Signer whose Wallet is of an operator that is not known says so, and its signer goes on', () => {
  const { ensure, stop, status } = planSigner(facts({ operator: '' }));
  expect([ensure, stop]).toEqual([undefined, undefined]);
  expect(conditionOf(status.conditions, 'Ready')).toMatchObject({ status: 'False', reason: 'OperatorUnknown' });
});

test('a process that is left over from a wallet is stopped', () => {
  expect(planSigner(facts({ wallet: undefined })).stop).toEqual({ wallet: 'payments/treasury', holder: 'client' });
});

test('a Signer whose Wallet is in a namespace that the operator does not see says so, and its signer goes on', () => {
  const { ensure, stop, status } = planSigner(facts({ wallet: 'Unseen' }));
  expect([ensure, stop]).toEqual([undefined, undefined]);
  expect(conditionOf(status.conditions, 'Ready')).toMatchObject({ status: 'Unknown', reason: 'WalletNotSeen' });
});

describe('a Signer that is deleted', () => {
  const leaving = aSigner('client', { meta: { deletionTimestamp: '2026-11-01T00:00:00Z' } });
  test('stops its process', () => {
    const { ensure, stop, status } = planSigner(facts({ signer: leaving, signers: [leaving] }));
    expect([ensure, stop]).toEqual([undefined, { wallet: 'payments/treasury', holder: 'client' }]);
    expect(conditionOf(status.conditions, 'Ready')?.reason).toBe('Deleting');
  });

  test('leaves it to another that serves the holder', () => {
    const other = aSigner('client', { meta: { name: 'other' } });
    for (const wallet of [aWallet(), 'Unseen' as const])
      expect(planSigner(facts({ wallet, signer: leaving, signers: [leaving, other] })).stop).toBeUndefined();
  });

  test('stops its process also where its Wallet is not seen', () => {
    const strangers = [aSigner('backup'), aSigner('client', { meta: { namespace: 'acme' } })];
    expect(
      planSigner(facts({ wallet: 'Unseen', signer: leaving, signers: [leaving, ...strangers] })).stop,
    ).toBeDefined();
  });
});

test('the fingerprint once learnt stays, whoever answers', () => {
  const pinned = aSigner('client', {
    status: {
      fingerprint: fingerprintOf('backup'),
      version: '0.0.9',
      conditions: [...conditionsOf(['Ready', 'True', 'Serving'])],
    },
  });
  expect(planSigner(facts({ signer: pinned, signers: [pinned] })).status.fingerprint).toBe(fingerprintOf('backup'));
  const { status } = planSigner(
    facts({ signer: pinned, signers: [pinned], answer: { kind: 'Stranger', message: 'another key' } }),
  );
  expect(status).toMatchObject({ fingerprint: fingerprintOf('backup'), version: '0.0.9' });
});

test('nobody is believed about a Signer for which nothing runs', () => {
  expect(planSigner(facts({ wallet: undefined })).status.fingerprint).toBeUndefined();
});

test('the epoch of a signer is the latest of its keys', () => {
  expect(epochOf([])).toBeUndefined();
  expect(epochOf([{ epoch: '' }])).toBeUndefined();
  expect(epochOf([{ epoch: '2' }, { epoch: '' }, { epoch: '10' }])).toBe('10');
});
