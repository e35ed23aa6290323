import { expect, test } from 'vitest';
import { manualClock, settle } from '../../common/testing/manual-clock.ts';
import { WorkQueue } from './work-queue.ts';
import type { WorkQueueOptions } from './work-queue.ts';

function queue(work: WorkQueueOptions['work'], workers = 4, over: Partial<WorkQueueOptions> = {}) {
  const clock = manualClock();
  const errors: { item: string; retryInMs: number }[] = [];
  const made = new WorkQueue({
    clock,
    workers,
    work,
    onError: (item, _, retryInMs) => errors.push({ item, retryInMs }),
    ...over,
  });
  return { clock, errors, queue: made };
}

test('how long an item waited for a worker is counted from when it was due', async () => {
  const waits: number[] = [];
  const gates: (() => void)[] = [];
  const { clock, queue: q } = queue(async (_, waitedMs) => {
    waits.push(waitedMs);
    await new Promise<void>((resolve) => gates.push(resolve));
    return undefined;
  }, 1);
  q.add('a');
  q.add('b', 1_000);
  await clock.pass(5_000);
  gates[0]?.();
  await settle();
  expect(waits).toEqual([0, 4_000]);
  expect(q.workers).toBe(1);
  gates[1]?.();
});

test('an item is at work once at a time, and again after it was added meanwhile', async () => {
  const gates: (() => void)[] = [];
  let most = 0;
  let now = 0;
  const { queue: q } = queue(async () => {
    most = Math.max(most, ++now);
    await new Promise<void>((resolve) => gates.push(resolve));
    now--;
    return undefined;
  });
  q.add('a');
  q.add('a');
  q.add('a');
  expect(gates).toHaveLength(1);
  gates[0]?.();
  await settle();
  expect(gates).toHaveLength(2);
  gates[1]?.();
  await settle();
  expect(gates).toHaveLength(2);
  expect(most).toBe(1);
});

test('no more items are at work than there are workers', async () => {
  const gates: (() => void)[] = [];
  const { queue: q } = queue(async () => {
    await new Promise<void>((resolve) => gates.push(resolve));
    return undefined;
  }, 2);
  for (const item of ['a', 'b', 'c']) q.add(item);
  expect([gates.length, q.working, q.depth]).toEqual([2, 2, 1]);
  gates[0]?.();
  await settle();
  expect([gates.length, q.working, q.depth]).toEqual([3, 2, 0]);
});

test('an item comes again when it said, or earlier when it is added', async () => {
  const at: number[] = [];
  const { queue: q, clock } = queue(async () => {
    at.push(clock.monotonic());
    return at.length < 3 ? 1000 : undefined;
  });
  q.add('a');
  await clock.pass(400);
  q.add('a');
  await clock.pass(1100);
  expect(at).toEqual([0, 400, 1400]);
  expect(clock.pending()).toBe(0);
});

test('one that fails is tried again after a growing pause, which success resets', async () => {
  let failures = 0;
  const {
    queue: q,
    clock,
    errors,
  } = queue(async () => {
    if (failures++ < 3) throw new Error('no');
    return undefined;
  });
  q.add('a');
  await clock.pass(5_000);
  expect(failures).toBe(4);
  expect(errors).toHaveLength(3);
  for (const [i, { item, retryInMs }] of errors.entries()) {
    expect(item).toBe('a');
    expect(retryInMs).toBeGreaterThanOrEqual(100 * 2 ** i);
    expect(retryInMs).toBeLessThanOrEqual(200 * 2 ** i);
  }
});

test('the pause after a failure may follow from the error', async () => {
  const asked: [number, unknown][] = [];
  const busy = new Error('busy');
  const { queue: q, clock } = queue(
    async () => {
      if (asked.length < 2) throw busy;
      return undefined;
    },
    1,
    {
      backoff: (failures, error) => {
        asked.push([failures, error]);
        return 7_000;
      },
    },
  );
  q.add('a');
  await clock.pass(6_999);
  expect(asked).toEqual([[1, busy]]);
  await clock.pass(1);
  expect(asked).toEqual([
    [1, busy],
    [2, busy],
  ]);
});

test('how long each item at work has been is told', async () => {
  const gates: (() => void)[] = [];
  const { queue: q, clock } = queue(async () => {
    await new Promise<void>((resolve) => gates.push(resolve));
    return undefined;
  });
  q.add('a');
  await clock.pass(1_000);
  q.add('b');
  await clock.pass(500);
  expect(q.workedMs()).toEqual([1_500, 500]);
  gates[0]?.();
  await settle();
  expect(q.workedMs()).toEqual([500]);
  gates[1]?.();
});

test('one that comes due while at work is worked on afterwards', async () => {
  const gates: (() => void)[] = [];
  const { queue: q, clock } = queue(async () => {
    await new Promise<void>((resolve) => gates.push(resolve));
    return undefined;
  });
  q.add('a');
  q.add('a', 100);
  await clock.pass(200);
  expect(gates).toHaveLength(1);
  gates[0]?.();
  await settle();
  expect(gates).toHaveLength(2);
});

test('stopping waits for what is at work and begins nothing new', async () => {
  const gates: (() => void)[] = [];
  const { queue: q, clock } = queue(async () => {
    await new Promise<void>((resolve) => gates.push(resolve));
    return 10;
  }, 1);
  q.add('a');
  q.add('b');
  q.add('c', 10);
  let stopped = false;
  const stopping = q.stop().then(() => {
    stopped = true;
  });
  await settle();
  expect(stopped).toBe(false);
  gates[0]?.();
  await Promise.all([stopping, q.stop()]);
  q.add('d');
  await clock.pass(100);
  expect(gates).toHaveLength(1);
});
