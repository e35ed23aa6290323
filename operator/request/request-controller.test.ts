import { expect, test } from 'vitest';
import { silentLog } from '../../common/log.ts';
import { systemClock } from '../../common/clock.ts';
import type { NotSigned, SignResult } from '../../client/sign-result.ts';
import { conditionOf } from '../api/conditions.ts';
import { keyOf } from '../api/resource.ts';
import { aRequest, aWallet, now } from '../testing/objects.ts';
import { manualClock } from '../../common/testing/manual-clock.ts';
import { MemoryStore } from '../testing/memory-store.ts';
import { OutcomeSeries } from '../wallet/outcome-series.ts';
import { requestController } from './request-controller.ts';
import { setStatus } from '../store/testing/set-status.ts';

const request = aRequest();
const key = keyOf<'SigningRequest'>(request);
const wallet = (signersAvailable: string) => aWallet({}, { genesis: `sha256:${'0'.repeat(64)}`, signersAvailable });
const signal = new AbortController().signal;
const answer = (over: Partial<NotSigned>): NotSigned => ({
  digest: `sha256:${'1'.repeat(64)}`,
  outcome: 'failed',
  reason: 'QuorumUnavailable',
  message: 'too few signers',
  waitsFor: ['client'],
  rule: '',
  policyDigest: '',
  coordinator: '',
  durations: {},
  ...over,
});

function controlled(answers: readonly (SignResult | Error)[], reachable = true) {
  const store = new MemoryStore(request, wallet('2/3'));
  const asked: Uint8Array[] = [];
  const time = { now };
  const timers = manualClock();
  const told: string[] = [];
  const controller = requestController({
    store,
    series: new OutcomeSeries(timers, (_, { reason, message }) => told.push(`${reason} ${message}`)),
    clock: { ...systemClock, now: () => time.now },
    log: silentLog,
    connections: {
      has: () => reachable,
      client: async () => ({
        async sign(statement) {
          const next = answers[asked.length];
          asked.push(statement);
          if (next === undefined || next instanceof Error) throw next ?? new Error('asked too often');
          return next;
        },
      }),
    },
  });
  return { store, asked, time, timers, told, look: () => controller.reconcile(key, signal) };
}

const finished = async (store: MemoryStore) => conditionOf((await store.get(key))?.status?.conditions, 'Finished');

test('a failed request is asked for again with the same bytes, after a pause, until it is decided', async () => {
  const { store, asked, time, timers, told, look } = controlled([
    answer({}),
    answer({ message: 'still too few' }),
    answer({ outcome: 'denied', reason: 'LimitExceeded', message: 'over' }),
  ]);
  const pause = await look();
  expect(pause).toBeGreaterThanOrEqual(100);
  expect(await finished(store)).toMatchObject({
    status: 'False',
    reason: 'QuorumUnavailable',
    message: 'too few signers; waits for client',
  });
  // Woken by its own status, it does not ask at once.
  expect(await look()).toBe(pause);
  expect(asked).toHaveLength(1);
  time.now += pause ?? 0;
  await look();
  time.now += 5_000;
  expect(await look()).toBeUndefined();
  expect(asked).toHaveLength(3);
  expect(asked[1]).toEqual(asked[0]);
  expect(asked[2]).toEqual(asked[0]);
  expect(await finished(store)).toMatchObject({ status: 'True', reason: 'LimitExceeded' });
  expect(await look()).toBeUndefined();
  expect(asked).toHaveLength(3);
  await timers.pass(600_000);
  expect(told).toEqual([
    'CeremonyFailed QuorumUnavailable: too few signers; waits for client',
    'PolicyDenied LimitExceeded: over; waits for client',
  ]);
});

test('of failures that differ from one retry to the next there is one event a minute', async () => {
  const { time, timers, told, look } = controlled(
    [1, 2, 3, 4].map((n) => answer({ reason: 'ClockSkew', message: `${n} s apart`, waitsFor: [] })),
  );
  for (const _ of [1, 2, 3, 4]) {
    await look();
    time.now += 5_000;
  }
  await timers.pass(600_000);
  expect(told).toEqual(['ClockSkew ClockSkew: 1 s apart', 'ClockSkew ClockSkew: 4 s apart']);
});

test('a signer that came back is a reason not to wait', async () => {
  const { store, asked, look } = controlled([answer({}), answer({})]);
  await look();
  store.put(wallet('3/3'));
  await look();
  expect(asked).toHaveLength(2);
});

test('a reply that proves nothing is a failure', async () => {
  const { store, look } = controlled([new Error('reply: signature 0 does not verify')]);
  await look();
  expect(await finished(store)).toMatchObject({
    status: 'False',
    reason: 'Unknown',
    message: 'reply: signature 0 does not verify',
  });
});

test('a request that expired unanswered is asked for slowly: only signers know whether a signature exists', async () => {
  const { store, time, look } = controlled([
    answer({ reason: 'SignatureMayExist', message: 'ask again', waitsFor: [] }),
  ]);
  time.now = Date.parse('2026-11-03T00:00:00Z');
  expect(await look()).toBe(30_000);
  expect(await finished(store)).toMatchObject({ status: 'False', reason: 'SignatureMayExist' });
});

test('a request that is gone is nobody’s business', async () => {
  const { store, asked, look } = controlled([]);
  store.objects.clear();
  expect(await look()).toBeUndefined();
  expect(asked).toHaveLength(0);
});

test('what waits for a founded wallet looks again soon, since no change may tell that its signers are known', async () => {
  const { store, look } = controlled([], false);
  expect(await look()).toBe(1_000);
  expect(await finished(store)).toMatchObject({ status: 'False', reason: 'WaitingForWallet' });
  await setStatus(store, keyOf<'Wallet'>(wallet('0/3')), {});
  expect(await look()).toBeGreaterThan(1_000);
});
