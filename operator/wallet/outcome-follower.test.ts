import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { silentLog } from '../../common/log.ts';
import type { SignerClient } from '../../client/signer-client.ts';
import type { OutcomeEvent } from '../../proto/gen/signer/v1/signer.ts';
import { keyOf } from '../api/resource.ts';
import { MemoryStore } from '../testing/memory-store.ts';
import { manualClock, settle } from '../../common/testing/manual-clock.ts';
import { aRequest, aWallet } from '../testing/objects.ts';
import { OutcomeFollower } from './outcome-follower.ts';
import { OutcomeSeries } from './outcome-series.ts';
import { outcomeWords } from './outcome-words.ts';

const wallet = keyOf<'Wallet'>(aWallet());
const idOf = (holder: string) => ({ wallet: 'payments/treasury', holder });
const outcome = (sequence: bigint, over: Partial<OutcomeEvent> = {}): OutcomeEvent => ({
  sequence,
  time: '2026-11-01T00:00:00Z',
  type: 'Signed',
  digest: `sha256:${String(sequence).padStart(64, '0')}`,
  initiator: 'payments-api',
  id: `id-${sequence}`,
  key: 'solana',
  reason: '',
  message: '',
  participants: ['infrastructure', 'client'],
  ...over,
});

/** A signer's stream: what it has after a sequence, then silence until it is stopped, or its end. */
function stream(events: readonly OutcomeEvent[], ends = false) {
  const opened: bigint[] = [];
  let stopped = 0;
  const client: Pick<SignerClient, 'outcomes'> = {
    async *outcomes(after, signal) {
      opened.push(after);
      for (const event of events) if (event.sequence > after) yield event;
      if (ends) throw new Error('the signer went away');
      if (signal?.aborted !== true) await once(signal as AbortSignal, 'abort');
      stopped++;
    },
  };
  return { client: client as SignerClient, opened, stopped: () => stopped };
}

function follower(store = new MemoryStore()) {
  const written: string[] = [];
  const cursors = new Map<string, bigint>();
  const clock = manualClock();
  const series = new OutcomeSeries(clock, (key, { type, reason, message }) =>
    written.push(`${key.name} ${type} ${reason}: ${message}`),
  );
  const made = new OutcomeFollower({
    store,
    series,
    log: silentLog,
    cursors: { get: ({ holder }) => cursors.get(holder), set: ({ holder }, at) => void cursors.set(holder, at) },
  });
  return { written, cursors, clock, follower: made };
}

test('what several holders record of one ceremony is told once', async () => {
  const { written, cursors, follower: f } = follower();
  f.follow(wallet, idOf('infrastructure'), stream([outcome(3n)]).client, 0n);
  f.follow(wallet, idOf('client'), stream([outcome(5n, { digest: outcome(3n).digest })]).client, 0n);
  await settle();
  expect(written).toEqual([
    'treasury Normal CeremonySucceeded: request id-3 of payments-api signed with key solana by infrastructure, client',
  ]);
  expect(cursors).toEqual(
    new Map([
      ['infrastructure', 3n],
      ['client', 5n],
    ]),
  );
});

test('a request that is an object is told of by its own controller', async () => {
  const { written, cursors, follower: f } = follower(new MemoryStore(aRequest()));
  f.follow(wallet, idOf('client'), stream([outcome(1n, { id: 'payments/pay-42' })]).client, 0n);
  await settle();
  expect([written, cursors.get('client')]).toEqual([[], 1n]);
});

test('a failure that was signed after all is not told once that is known', async () => {
  const { written, follower: f } = follower();
  const { digest } = outcome(3n);
  f.follow(wallet, idOf('infrastructure'), stream([outcome(3n)]).client, 0n);
  await settle();
  f.follow(wallet, idOf('client'), stream([outcome(9n, { type: 'Failed', digest, id: 'id-3' })]).client, 0n);
  f.follow(wallet, idOf('backup'), stream([outcome(4n, { type: 'Failed', reason: 'Busy' })]).client, 0n);
  await settle();
  expect(written).toEqual([
    expect.stringContaining('request id-3 of payments-api signed'),
    'treasury Warning CeremonyFailed: request id-4 of payments-api failed: Busy',
  ]);
});

test('every key is told of', async () => {
  const { written, clock, follower: f } = follower();
  const activated = (sequence: bigint, key: string) =>
    outcome(sequence, { type: 'KeyActivated', key, id: '', digest: '' });
  f.follow(wallet, idOf('client'), stream([activated(1n, 'solana'), activated(2n, 'bitcoin')]).client, 0n);
  f.follow(wallet, idOf('backup'), stream([activated(1n, 'solana'), activated(2n, 'bitcoin')]).client, 0n);
  await clock.pass(60_000);
  expect(written).toEqual([
    'treasury Normal CeremonySucceeded: key solana generated',
    'treasury Normal CeremonySucceeded: key bitcoin generated',
  ]);
});

describe('a stream', () => {
  test('goes on where the last one was, never past what the signer has', async () => {
    const { cursors, follower: f } = follower();
    cursors.set('infrastructure', 7n);
    cursors.set('client', 70n);
    const [a, b, c] = [stream([]), stream([]), stream([])];
    f.follow(wallet, idOf('infrastructure'), a.client, 9n);
    f.follow(wallet, idOf('client'), b.client, 9n);
    f.follow(wallet, idOf('backup'), c.client, 9n);
    expect([a.opened, b.opened, c.opened]).toEqual([[7n], [9n], [9n]]);
  });

  test('is opened once, again over another connection, and again when it ended', async () => {
    const { follower: f } = follower();
    const [first, second] = [stream([]), stream([], true)];
    f.follow(wallet, idOf('client'), first.client, 0n);
    f.follow(wallet, idOf('client'), first.client, 0n);
    f.follow(wallet, idOf('client'), second.client, 0n);
    await settle();
    f.follow(wallet, idOf('client'), second.client, 0n);
    await settle();
    expect([first.opened.length, first.stopped(), second.opened.length]).toEqual([1, 1, 2]);
  });

  test('ends with its wallet, or with all', async () => {
    const { follower: f } = follower();
    const [own, other] = [stream([]), stream([])];
    f.follow(wallet, idOf('client'), own.client, 0n);
    f.follow({ ...wallet, name: 'treasury-2' }, { wallet: 'payments/treasury-2', holder: 'client' }, other.client, 0n);
    f.end('payments/treasury');
    await settle();
    expect([own.stopped(), other.stopped()]).toEqual([1, 0]);
    f.end();
    await settle();
    expect(other.stopped()).toBe(1);
  });
});

describe('outcomes in words', () => {
  test.each([
    [
      'Signed',
      {},
      'Normal CeremonySucceeded: request id-1 of payments-api signed with key solana by infrastructure, client',
    ],
    [
      'Denied',
      { reason: 'LimitExceeded', message: 'over' },
      'Warning PolicyDenied: request id-1 of payments-api denied: LimitExceeded: over',
    ],
    [
      'Failed',
      { reason: 'QuorumUnavailable', message: '' },
      'Warning CeremonyFailed: request id-1 of payments-api failed: QuorumUnavailable',
    ],
    [
      'Failed',
      { reason: 'ClockSkew', message: 'client is 90 s ahead' },
      'Warning ClockSkew: request id-1 of payments-api failed: ClockSkew: client is 90 s ahead',
    ],
    [
      'CulpritFound',
      { message: 'client' },
      'Warning CulpritFound: a cryptographic check failed on a message of client',
    ],
    ['KeyActivated', {}, 'Normal CeremonySucceeded: key solana generated'],
    [
      'Denied',
      { id: 'a\nb\u001b[1m', reason: 'PolicyDenied' },
      'Warning PolicyDenied: request a b [1m of payments-api denied: PolicyDenied',
    ],
  ])('%s', (type, over, expected) => {
    const words = outcomeWords(outcome(1n, { type, ...over }));
    expect(`${words?.type} ${words?.reason}: ${words?.message}`).toBe(expected);
  });

  test('what is nobody’s news has none', () => {
    expect(outcomeWords(outcome(1n, { type: 'Reserved' }))).toBeUndefined();
  });
});
