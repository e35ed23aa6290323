import { describe, expect, test } from 'vitest';
import { hex } from '../../common/bytes.ts';
import { encodeRequest } from '../../client/request.ts';
import { offchainMessage } from '../../client/offchain-message.ts';
import type { NotSigned, Signed } from '../../client/sign-result.ts';
import { statementDigest } from '../../statement/statements.ts';
import { conditionOf } from '../api/conditions.ts';
import { validate } from '../api/validate.ts';
import type { SigningRequest, Wallet } from '../api/resource.ts';
import { planWallet } from '../wallet/wallet-plan.ts';
import { fake, holders, known } from '../testing/holder-states.ts';
import { aRequest, aWallet, now } from '../testing/objects.ts';
import { finishRequest, startRequest } from './request-plan.ts';
import type { RequestFacts } from './request-plan.ts';

const solana = 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp';
const message = offchainMessage('hello', Buffer.from(fake.solana.publicKey, 'hex'));
const signature = '-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n';
const spec: Partial<SigningRequest['spec']> = {
  payload: { format: 'Message', data: `0x${hex(message)}` },
  initiator: { name: 'payments-api', signature },
};
const request = (over: Partial<SigningRequest['spec']> = {}, status?: SigningRequest['status']): SigningRequest =>
  aRequest({ ...spec, ...over }, status);
const founded: Wallet = aWallet(
  {},
  planWallet({
    wallet: aWallet(
      { keys: [...aWallet().spec.keys, { name: 'ethereum', scheme: 'ECDSA' }] },
      { genesis: fake.genesisDigest },
    ),
    policy: { kind: 'Valid', document: known.policyDocument, digest: fake.genesis.policy },
    holders: holders(),
    missing: { write: [], sealless: [], waiting: [] },
    known,
    unproven: '',
    peers: new Map(),
    provisioned: new Map(),
    refusals: new Map(),
    sharedMachine: true,
    now,
  }).status,
);
const facts = (over: Partial<RequestFacts> = {}): RequestFacts => ({
  request: request(),
  wallet: founded,
  reachable: true,
  now,
  ...over,
});
const afterExpiry = Date.parse('2026-11-03T00:00:00Z');

describe('before signers are asked', () => {
  test('the statement is the one its initiator signed, and its effects are shown', () => {
    const start = startRequest(facts());
    if (start.kind !== 'Ask') throw new Error(start.kind);
    const expected = encodeRequest({
      genesis: fake.genesisDigest,
      id: 'payments/pay-42',
      key: 'solana',
      chain: '',
      format: 'Message',
      data: message,
      initiator: 'payments-api',
      expiresAt: Date.parse('2026-11-02T00:00:00Z'),
    });
    expect(start.statement).toEqual(expected);
    expect(start.signature).toBe(signature);
    expect(start.status).toMatchObject({
      digest: statementDigest(expected),
      effects: [{ kind: 'Message', text: 'signs the message "hello"' }],
    });
    expect(conditionOf(start.status.conditions, 'Finished')).toMatchObject({ status: 'False', reason: 'Signing' });
    expect(validate({ ...request(), status: start.status })).toEqual([]);
  });

  test('an id and a path of its own are part of the statement', () => {
    const start = startRequest(facts({ request: request({ id: 'invoice-7', path: 'm/0/5' }) }));
    expect(start.kind === 'Ask' && Buffer.from(start.statement).toString()).toMatch(
      /"id":"invoice-7".*"path":"m\/0\/5"/,
    );
  });

  const asked = startRequest(facts());
  const askedStatus = asked.kind === 'Ask' ? asked.status : {};
  const signedAlready = finishRequest(request(), askedStatus, denied(), now).status;
  const cases: readonly (readonly [string, Partial<RequestFacts>, string, string | undefined])[] = [
    ['it is finished', { request: request({}, signedAlready) }, 'Done', undefined],
    [
      'it is finished, also when it has expired',
      { request: request({}, signedAlready), now: afterExpiry },
      'Done',
      undefined,
    ],
    ['there is no wallet', { wallet: undefined }, 'Wait', 'WaitingForWallet'],
    ['the wallet is not founded', { wallet: aWallet() }, 'Wait', 'WaitingForWallet'],
    ['how to reach it is not known', { reachable: false }, 'Wait', 'WaitingForWallet'],
    ['it expired before anybody could be asked', { wallet: undefined, now: afterExpiry }, 'End', 'Expired'],
    [
      'it expired after signers were asked, and none can be reached',
      { request: request({}, askedStatus), wallet: undefined, now: afterExpiry },
      'Wait',
      'Signing',
    ],
    ['it has expired: signers know what became of it', { now: afterExpiry }, 'Ask', 'Signing'],
    ['it breaks the form of statements', { request: request({ id: 'not printable \u00e9' }) }, 'End', 'Malformed'],
  ];
  test.each(cases)('%s', (_, over, kind, reason) => {
    const start = startRequest(facts(over));
    expect(start.kind).toBe(kind);
    if (start.kind !== 'Done') expect(conditionOf(start.status.conditions, 'Finished')?.reason).toBe(reason);
  });

  test('what the last answer said stands while signers are asked again', () => {
    const { status } = finishRequest(request(), askedStatus, failed({ digest: askedStatus.digest ?? '' }), now);
    const again = startRequest(facts({ request: request({}, status), now: now + 5_000 }));
    expect(again.kind === 'Ask' && again.status).toEqual(status);
  });

  test('the effects of a child are decoded for it, and left to signers where the key has none', () => {
    const effects = (key: string) => {
      const payload = { format: 'Digest', data: `0x${'01'.repeat(32)}` } as const;
      const start = startRequest(facts({ request: request({ key, path: 'm/0/5', payload }) }));
      return start.kind === 'Ask' ? start.status.effects : undefined;
    };
    expect(effects('ethereum')).toMatchObject([{ kind: 'Digest' }]);
    expect(effects('solana')).toBeUndefined();
  });

  test('effects that cannot be decoded are left to signers to refuse', () => {
    const start = startRequest(
      facts({ request: request({ payload: { chain: solana, format: 'Transaction', data: '0x00' } }) }),
    );
    expect(start.kind === 'Ask' && start.status.effects).toBeUndefined();
    expect(start.kind).toBe('Ask');
  });
});

const answered = {
  digest: `sha256:${'1'.repeat(64)}`,
  rule: 'messages',
  policyDigest: `sha256:${'2'.repeat(64)}`,
  coordinator: 'infrastructure',
  durations: { total: 12.5 },
};
function denied(over: Partial<NotSigned> = {}): NotSigned {
  return {
    ...answered,
    outcome: 'denied',
    reason: 'LimitExceeded',
    message: '100 of 100 an hour',
    waitsFor: [],
    ...over,
  };
}
function failed(over: Partial<NotSigned> = {}): NotSigned {
  return {
    ...answered,
    outcome: 'failed',
    reason: 'QuorumUnavailable',
    message: 'too few signers',
    waitsFor: ['client'],
    ...over,
  };
}

describe('what an answer makes of a request', () => {
  const signed: Signed = {
    ...answered,
    outcome: 'signed',
    participants: ['infrastructure', 'client'],
    effects: [
      {
        kind: 'Transfer',
        chain: solana,
        asset: `${solana}/slip44:501`,
        amount: 5n,
        destination: `${solana}:A`,
        text: 'sends',
      },
    ],
    signatures: [{ message: Uint8Array.of(1), signature: new Uint8Array(64) }],
    transaction: { bytes: Uint8Array.of(2, 3), id: 'tx' },
  };

  test('signed is finished, with all that a person needs to send it', () => {
    const { status, event } = finishRequest(request(), {}, signed, now);
    expect(status).toMatchObject({
      digest: answered.digest,
      decision: { rule: 'messages', policyDigest: answered.policyDigest },
      effects: [{ kind: 'Transfer', chain: solana, amount: '5', text: 'sends' }],
      signatures: [{ message: '01', signature: '00'.repeat(64) }],
      signedTransaction: '0203',
      transactionId: 'tx',
      participants: ['infrastructure', 'client'],
      durations: { total: 12.5 },
    });
    expect(status.conditions?.map(({ type, status: is, reason }) => [type, is, reason])).toEqual([
      ['Approved', 'True', 'NoApprovalNeeded'],
      ['Finished', 'True', 'Signed'],
      ['Succeeded', 'True', 'Signed'],
    ]);
    expect(event).toEqual({ type: 'Normal', reason: 'CeremonySucceeded', message: 'signed by infrastructure, client' });
    expect(validate({ ...request(), status })).toEqual([]);
  });

  test('denied is finished for good', () => {
    const { status, event } = finishRequest(request(), {}, denied(), now);
    expect(status.conditions?.map(({ type, status: is, reason }) => [type, is, reason])).toEqual([
      ['Approved', 'False', 'LimitExceeded'],
      ['Finished', 'True', 'LimitExceeded'],
      ['Succeeded', 'False', 'LimitExceeded'],
    ]);
    expect(event).toEqual({ type: 'Warning', reason: 'PolicyDenied', message: 'LimitExceeded: 100 of 100 an hour' });
  });

  test('failed is not finished, and says whom it waits for', () => {
    const { status, event } = finishRequest(request(), {}, failed(), now);
    expect(conditionOf(status.conditions, 'Finished')).toMatchObject({
      status: 'False',
      reason: 'QuorumUnavailable',
      message: 'too few signers; waits for client',
    });
    expect(conditionOf(status.conditions, 'Succeeded')?.status).toBe('Unknown');
    expect(event.reason).toBe('CeremonyFailed');
  });

  test('a manifest in a folder says what its ttl will not do', () => {
    const { status } = finishRequest(request({ ttlSecondsAfterFinished: 60 }), {}, denied(), now);
    expect(conditionOf(status.conditions, 'Finished')?.message).toContain(
      'removes no manifest of a folder: delete it yourself',
    );
  });

  test('a signer’s words that no status could hold are left out', () => {
    const { status } = finishRequest(
      request(),
      {},
      denied({ rule: '', policyDigest: 'none', durations: { total: Number.NaN, round: -1, 'a b': 1, queue: 2 } }),
      now,
    );
    expect(status.decision).toBeUndefined();
    expect(status.durations).toEqual({ queue: 2 });
    expect(validate({ ...request(), status })).toEqual([]);
  });
});
