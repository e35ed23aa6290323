import { createHash, generateKeyPairSync } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { digest, utf8 } from '../common/bytes.ts';
import { systemClock } from '../common/clock.ts';
import type { Clock } from '../common/clock.ts';
import type { SignReply, SignRequest } from '../proto/gen/signer/v1/signer.ts';
import { signRequest } from './request.ts';
import type { NotSigned } from './sign-result.ts';
import { startFakeSigner } from './testing/fake-signer.ts';
import type { FakeAnswers, FakeSigner } from './testing/fake-signer.ts';
import { fakeHolder, fakeWallet } from './testing/fake-wallet.ts';
import type { FakeHolder } from './testing/fake-wallet.ts';
import { WalletClient } from './wallet-client.ts';

const wallet = fakeWallet();
const initiator = generateKeyPairSync('ed25519').privateKey;
const hash = createHash('sha256').update('payload').digest();
const toClose: { (): void }[] = [];
afterEach(() => {
  for (const close of toClose.splice(0).reverse()) close();
});

async function start(
  answers: FakeAnswers,
  holder: FakeHolder = wallet.infrastructure,
): Promise<FakeSigner & { fingerprint: string }> {
  const signer = await startFakeSigner(holder, { facts: () => wallet.facts, ...answers });
  toClose.push(() => signer.stop());
  return { ...signer, fingerprint: holder.fingerprint };
}

async function connect(
  endpoints: readonly { address: string; fingerprint: string }[],
  over: { genesis?: string; clock?: Clock } = {},
): Promise<WalletClient> {
  const client = await WalletClient.connect({ endpoints, ...over });
  toClose.push(() => client.close());
  return client;
}

/** Time that passes only when somebody waits. */
function skippingClock(start: number): Clock & { readonly waits: readonly number[] } {
  const waits: number[] = [];
  let now = start;
  return {
    ...systemClock,
    waits,
    now: () => now,
    after(ms, run) {
      waits.push(ms);
      now += ms;
      const timer = setImmediate(run);
      return () => clearImmediate(timer);
    },
  };
}

const request = (key: string, over: { genesis?: string; expiresAt?: number; path?: string } = {}) =>
  signRequest(
    {
      genesis: wallet.genesisDigest,
      id: 'pay-42',
      key,
      chain: '',
      format: 'Digest',
      data: hash,
      initiator: 'payments-api',
      expiresAt: Date.now() + 3_600_000,
      ...over,
    },
    initiator,
  );

const reply = (asked: SignRequest, over: Partial<SignReply>): SignReply => ({
  digest: digest(asked.statement),
  outcome: 'failed',
  reason: 'QuorumUnavailable',
  message: 'waits for client',
  rule: '',
  policyDigest: '',
  participants: [],
  waitsFor: ['client'],
  signatures: [],
  transaction: Buffer.alloc(0),
  transactionId: '',
  durations: {},
  coordinator: 'infrastructure',
  effects: '[]',
  elsewhere: false,
  ...over,
});
const signed = (asked: SignRequest, signature: Buffer, over: Partial<SignReply> = {}) =>
  reply(asked, {
    outcome: 'signed',
    reason: '',
    message: '',
    waitsFor: [],
    participants: ['infrastructure', 'client'],
    signatures: [{ message: hash, signature }],
    durations: { total: 12.5 },
    ...over,
  });

describe('a wallet', () => {
  test('is known by its verified facts', async () => {
    const client = await connect([await start({})], { genesis: wallet.genesisDigest });
    expect(client.wallet.genesis).toEqual(wallet.genesis);
    const certificates = await client.certificates();
    expect(certificates.map(({ certificate }) => certificate.key)).toEqual(['solana', 'bitcoin', 'ethereum']);
  });

  test('is not connected to where a pin, the genesis or a signature is wrong', async () => {
    const endpoint = await start({});
    const stranger = fakeHolder('stranger', 'Client');
    await expect(connect([{ ...endpoint, fingerprint: stranger.fingerprint }])).rejects.toThrow(
      `want the signer with fingerprint ${stranger.fingerprint}`,
    );
    await expect(connect([endpoint], { genesis: digest(utf8('another')) })).rejects.toThrow('want genesis sha256:');
    const impostor = await start({}, stranger);
    await expect(connect([impostor])).rejects.toThrow('is no holder of');
    await expect(connect([])).rejects.toThrow('wallet: want at least one endpoint');
  });

  test('is reached through the next signer where the first does not answer', async () => {
    const down = await start({});
    down.stop();
    const up = await start({ sign: (asked) => signed(asked, wallet.signSolana(hash)) }, wallet.client);
    const client = await connect([down, up]);
    const { statement, signature } = request('solana');
    expect(await client.sign(statement, signature)).toMatchObject({ outcome: 'signed' });
  });
});

describe('a reply', () => {
  test.each([
    ['solana', () => wallet.signSolana(hash)],
    ['bitcoin', () => wallet.signBitcoin(hash)],
    ['ethereum', () => wallet.signEthereum(hash)],
  ])('signed with key %s is a result once its signatures verify here', async (key, make) => {
    const client = await connect([await start({ sign: (asked) => signed(asked, make()) })]);
    const { statement, signature, digest: named } = request(key);
    const result = await client.sign(statement, signature);
    expect(result).toMatchObject({
      outcome: 'signed',
      digest: named,
      participants: ['infrastructure', 'client'],
      coordinator: 'infrastructure',
      durations: { total: 12.5 },
      signatures: [{ message: Uint8Array.from(hash) }],
      effects: [{ kind: 'Digest' }],
    });
    expect(result).not.toHaveProperty('transaction');
  });

  test('signed by a child is a result where it is the child that was asked for', async () => {
    const signer = await start({ sign: (asked) => signed(asked, wallet.signEthereum(hash, 'm/0/7')) });
    const client = await connect([signer]);
    const { statement, signature } = request('ethereum', { path: 'm/0/7' });
    expect(await client.sign(statement, signature)).toMatchObject({
      outcome: 'signed',
      effects: [{ kind: 'Digest', path: 'm/0/7' }],
    });
    for (const path of ['m/0/8', undefined]) {
      const other = request('ethereum', path === undefined ? {} : { path });
      await expect(client.sign(other.statement, other.signature)).rejects.toThrow(
        `reply: signature 0 does not verify under key "ethereum"${path === undefined ? '' : ' at m/0/8'}`,
      );
    }
  });

  const forged = Buffer.from(wallet.signSolana(hash));
  forged[40] = (forged[40] ?? 0) ^ 1;
  const other = createHash('sha256').update('another payload').digest();
  const forgeries: readonly [string, (asked: SignRequest) => SignReply, string][] = [
    [
      'with a forged signature',
      (asked) => signed(asked, forged),
      'reply: signature 0 does not verify under key "solana"',
    ],
    ['with a short signature', (asked) => signed(asked, forged.subarray(1)), 'reply: signature 0 does not verify'],
    ['without signatures', (asked) => signed(asked, forged, { signatures: [] }), 'reply: want 1 signatures, got 0'],
    [
      'over other bytes, though truly signed',
      (asked) => signed(asked, forged, { signatures: [{ message: other, signature: wallet.signSolana(other) }] }),
      'reply: signature 0 is over other bytes than the request asks for',
    ],
    [
      'with one signature too many',
      (asked) =>
        signed(asked, forged, {
          signatures: [0, 1].map(() => ({ message: hash, signature: wallet.signSolana(hash) })),
        }),
      'reply: want 1 signatures, got 2',
    ],
    [
      'with a transaction that does not follow',
      (asked) => signed(asked, wallet.signSolana(hash), { transaction: Buffer.from('00', 'hex') }),
      'reply: the transaction is not the one that these signatures complete',
    ],
    [
      'to another request',
      (asked) => signed(asked, wallet.signSolana(hash), { digest: digest(utf8('x')) }),
      'reply: want the answer to sha256:',
    ],
    [
      'with an outcome nobody knows',
      (asked) => reply(asked, { outcome: 'perhaps' }),
      'reply: want an outcome with its reason, got "perhaps"',
    ],
    [
      'with a reason nobody knows',
      (asked) => reply(asked, { reason: 'constructor' }),
      'reply: want an outcome with its reason, got "failed" with "constructor"',
    ],
    [
      'that denies for a reason to fail',
      (asked) => reply(asked, { outcome: 'denied' }),
      'reply: want an outcome with its reason, got "denied" with "QuorumUnavailable"',
    ],
  ];
  test.each(forgeries)('%s is an error and never a result', async (_, answer, message) => {
    const endpoint = await start({ sign: answer });
    const client = await connect([endpoint]);
    const { statement, signature } = request('solana');
    await expect(client.sign(statement, signature, { wait: true })).rejects.toThrow(`${endpoint.address}: ${message}`);
  });

  test('that does not verify is told beside that of the next signer, which does', async () => {
    const liar = await start({ sign: (asked) => signed(asked, forged) });
    const honest = await start({ sign: (asked) => signed(asked, wallet.signSolana(hash)) }, wallet.client);
    const client = await connect([liar, honest]);
    const { statement, signature } = request('solana');
    expect(await client.sign(statement, signature)).toMatchObject({
      outcome: 'signed',
      signatures: [{ signature: Uint8Array.from(wallet.signSolana(hash)) }],
      warnings: [`${liar.address}: reply: signature 0 does not verify under key "solana"`],
    });
    honest.stop();
    await expect(client.sign(statement, signature)).rejects.toThrow(`${liar.address}: reply: signature 0 does not`);
  });

  test('signed with a key that was made after connecting is verified under its certificate, and without one refused', async () => {
    let facts = { ...wallet.facts, certificates: wallet.facts.certificates.slice(1) };
    const client = await connect([
      await start({ facts: () => facts, sign: (asked) => signed(asked, wallet.signSolana(hash)) }),
    ]);
    const { statement, signature } = request('solana');
    await expect(client.sign(statement, signature)).rejects.toThrow(
      'reply: signed with key "solana", which has no certificate',
    );
    facts = wallet.facts;
    expect(await client.sign(statement, signature)).toMatchObject({ outcome: 'signed' });
  });
});

describe('a denial', () => {
  const denial = (asked: SignRequest) =>
    reply(asked, { outcome: 'denied', reason: 'PolicyDenied', message: 'no rule allows it', waitsFor: [] });
  const denying = () => start({ sign: denial });
  const { statement, signature } = request('solana');
  const asked: SignRequest = { statement: Buffer.from(statement), signature, approvals: [] };

  test('is believed where the others know nothing else, are gone or do not prove what they say', async () => {
    const forged = wallet.signBitcoin(hash);
    const others: FakeAnswers['request'][] = [
      () => reply(asked, { digest: '', reason: 'Unknown' }),
      () => denial(asked),
      () => reply(asked, { reason: 'QuorumUnavailable' }),
      () => reply(asked, { digest: digest(utf8('another')), reason: 'SignatureMayExist' }),
      () => signed(asked, forged),
      undefined,
    ];
    for (const answer of others) {
      const gone = await start({}, wallet.client);
      const other = await start(answer === undefined ? {} : { request: answer }, wallet.client);
      const client = await connect([await denying(), gone, other]);
      gone.stop();
      const result = await client.sign(statement, signature, { wait: true });
      expect(result).toMatchObject({ outcome: 'denied', reason: 'PolicyDenied' });
      expect(result).not.toHaveProperty('warnings');
    }
  });

  test('is none where another signer has the signature', async () => {
    const first = await denying();
    const requests: unknown[] = [];
    const other = await start(
      {
        request: (wanted) => {
          requests.push(wanted);
          return signed(asked, wallet.signSolana(hash));
        },
      },
      wallet.client,
    );
    const client = await connect([first, other]);
    expect(await client.sign(statement, signature)).toMatchObject({
      outcome: 'signed',
      signatures: [{ message: Uint8Array.from(hash) }],
      warnings: [`${first.address} says that it is denied: PolicyDenied: no rule allows it`],
    });
    expect(requests).toEqual([{ initiator: 'payments-api', id: 'pay-42' }]);
  });

  test.each([
    ['let a share go', { reason: 'SignatureMayExist', message: 'shares were released' }, 'SignatureMayExist'],
    ['is signing it', { outcome: 'unknown', reason: 'Unknown', message: 'is being signed' }, 'Unknown'],
  ])('is no more than a failure where another signer %s', async (_, over, reason) => {
    const other = await start({ request: () => reply(asked, over) }, wallet.client);
    const client = await connect([await denying(), other]);
    expect(await client.sign(statement, signature)).toMatchObject({
      outcome: 'failed',
      reason,
      warnings: [expect.stringContaining('says that it is denied: PolicyDenied')],
    });
  });
});

describe('asking again', () => {
  test('happens only where it is wanted, and never after a denial', async () => {
    const failing = await start({ sign: (asked) => reply(asked, {}) });
    const { statement, signature } = request('solana');
    expect(await (await connect([failing])).sign(statement, signature)).toMatchObject({
      outcome: 'failed',
      reason: 'QuorumUnavailable',
      waitsFor: ['client'],
    });
    expect(failing.asked).toHaveLength(1);
    const denying = await start({
      sign: (asked) =>
        reply(asked, {
          outcome: 'denied',
          reason: 'LimitExceeded',
          rule: 'payroll',
          message: 'over\u001b[2J\nthe limit',
          waitsFor: [],
        }),
    });
    expect(await (await connect([denying])).sign(statement, signature, { wait: true })).toMatchObject({
      outcome: 'denied',
      reason: 'LimitExceeded',
      rule: 'payroll',
      message: 'over [2J the limit', // nothing a signer says moves the cursor of a terminal
    });
    expect(denying.asked).toHaveLength(1);
  });

  test('sends the same bytes until it is signed, and says meanwhile whom it waits for', async () => {
    let left = 4;
    const endpoint = await start({
      sign: (asked) => (left-- > 0 ? reply(asked, {}) : signed(asked, wallet.signSolana(hash))),
    });
    const clock = skippingClock(Date.now());
    const client = await connect([endpoint], { clock });
    const { statement, signature } = request('solana');
    const progress: NotSigned[] = [];
    const result = await client.sign(statement, signature, { wait: true, onProgress: (now) => progress.push(now) });
    expect(result.outcome).toBe('signed');
    expect(progress.map(({ waitsFor }) => waitsFor)).toEqual([['client'], ['client'], ['client'], ['client']]);
    expect(endpoint.asked).toHaveLength(5);
    for (const asked of endpoint.asked)
      expect(asked).toEqual({ statement: Buffer.from(statement), signature, approvals: [] });
    clock.waits.forEach((ms, i) => {
      expect(ms).toBeGreaterThanOrEqual(100 * 2 ** i);
      expect(ms).toBeLessThanOrEqual(200 * 2 ** i);
    });
  });

  test('ends when the request expires, with the last word on it', async () => {
    const endpoint = await start({ sign: (asked) => reply(asked, {}) });
    const clock = skippingClock(Date.now());
    const client = await connect([endpoint], { clock });
    const { statement, signature } = request('solana', { expiresAt: clock.now() + 60_000 });
    expect(await client.sign(statement, signature, { wait: true })).toMatchObject({ reason: 'QuorumUnavailable' });
    expect(endpoint.asked.length).toBeGreaterThan(10);
    expect(clock.now()).toBeLessThan(Date.now() + 60_000);
    expect(Math.max(...clock.waits)).toBeLessThanOrEqual(5_000);
  });

  test('goes on while no signer answers, which is failed and unknown', async () => {
    const first = await start({ sign: (asked) => signed(asked, wallet.signSolana(hash)) });
    const client = await connect([first]);
    first.stop();
    const { statement, signature } = request('solana');
    expect(await client.sign(statement, signature)).toMatchObject({
      outcome: 'failed',
      reason: 'Unknown',
      waitsFor: ['infrastructure'],
    });
    let again: FakeSigner | undefined;
    const onProgress = async () => {
      again ??= await startFakeSigner(
        wallet.infrastructure,
        { sign: (asked) => signed(asked, wallet.signSolana(hash)) },
        Number(first.address.split(':')[1]),
      );
    };
    toClose.push(() => again?.stop());
    expect(await client.sign(statement, signature, { wait: true, onProgress: () => void onProgress() })).toMatchObject({
      outcome: 'signed',
    });
  });

  test('ends at once when its signal aborts', async () => {
    const client = await connect([await start({ sign: (asked) => reply(asked, {}) })]);
    const { statement, signature } = request('solana');
    const abort = new AbortController();
    const reason = new Error('enough');
    const onProgress = () => setImmediate(() => abort.abort(reason));
    await expect(client.sign(statement, signature, { wait: true, onProgress, signal: abort.signal })).rejects.toBe(
      reason,
    );
  });
});

test('a request of another wallet is not sent', async () => {
  const endpoint = await start({});
  const client = await connect([endpoint]);
  const { statement, signature } = request('solana', { genesis: digest(utf8('another')) });
  await expect(client.sign(statement, signature)).rejects.toThrow('request: want genesis sha256:');
  await expect(client.sign(utf8('{}'), signature)).rejects.toThrow('request: member "type" is missing');
  expect(endpoint.asked).toEqual([]);
});
