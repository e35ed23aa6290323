import { expect, test } from 'vitest';
import { createLog } from '../../common/log.ts';
import { manualClock, settle } from '../../common/testing/manual-clock.ts';
import { EventRecorder } from './event-recorder.ts';
import type { Happening } from './event-recorder.ts';
import type { KubeRequest } from './kube-client.ts';
import { KubeError } from './kube-error.ts';

const about = { apiVersion: 'example.dev/v1', kind: 'Thing', namespace: 'payments', name: 'a', uid: '1' };
const happened = (over: Partial<Happening> = {}): Happening => ({
  type: 'Normal',
  reason: 'Done',
  note: 'it is done',
  ...over,
});

type Asked = Omit<KubeRequest, 'body'> & {
  readonly body: {
    readonly metadata?: { readonly name: string };
    readonly eventTime?: string;
    readonly note?: string;
    readonly series?: { readonly count: number };
  };
};

function recording(answer: (request: KubeRequest) => void | Promise<void> = () => {}) {
  const clock = manualClock(Date.UTC(2026, 11, 1));
  const asked: Asked[] = [];
  const lines: string[] = [];
  const recorder = new EventRecorder({
    client: {
      request: async (request) => {
        asked.push(request as Asked);
        await answer(request);
        return undefined;
      },
    },
    controller: 'example.dev/thing',
    instance: 'operator-0',
    clock,
    log: createLog((line) => lines.push(line)),
  });
  const written = (): readonly unknown[] => asked.map(({ method, body }) => [method, body.note, body.series?.count]);
  return { clock, asked, lines, recorder, written };
}

test('what happens once is one event, with everything the server asks of one', () => {
  const { asked, recorder } = recording();
  recorder.record(about, happened({ action: 'Sign' }));
  expect(asked).toEqual([
    {
      method: 'POST',
      path: '/apis/events.k8s.io/v1/namespaces/payments/events',
      body: {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { name: expect.stringMatching(/^a\.[-0-9a-f]{36}$/), namespace: 'payments' },
        eventTime: '2026-12-01T00:00:00.000000Z',
        reportingController: 'example.dev/thing',
        reportingInstance: 'operator-0',
        action: 'Sign',
        reason: 'Done',
        type: 'Normal',
        note: 'it is done',
        regarding: about,
      },
    },
  ]);
});

test('what happens again within a minute is one more write, of a series', async () => {
  const { clock, asked, recorder, written } = recording();
  for (let i = 0; i < 5; i++) {
    recorder.record(about, happened());
    await clock.pass(10_000);
  }
  expect(written()).toEqual([['POST', 'it is done', undefined]]);
  await clock.pass(10_000);
  expect(asked.at(-1)).toEqual({
    method: 'PATCH',
    path: `/apis/events.k8s.io/v1/namespaces/payments/events/${asked[0]?.body.metadata?.name}`,
    contentType: 'application/merge-patch+json',
    body: { series: { count: 5, lastObservedTime: '2026-12-01T00:00:40.000000Z' } },
  });
  recorder.record(about, happened());
  await clock.pass(60_000);
  expect(written().at(-1)).toEqual(['PATCH', undefined, 6]);
  await clock.pass(60_000);
  expect([asked.length, clock.pending()]).toEqual([3, 0]);
  recorder.record(about, happened());
  expect(written().at(-1)).toEqual(['POST', 'it is done', undefined]);
});

test('what else happens within a minute is told at its end, each note once', async () => {
  const { clock, recorder, written } = recording();
  for (const note of ['a is away', 'b is away', 'c is away', 'b is away']) recorder.record(about, happened({ note }));
  await clock.pass(60_000);
  recorder.record(about, happened({ note: 'b is away' }));
  await clock.pass(60_000);
  expect(written()).toEqual([
    ['POST', 'a is away', undefined],
    ['POST', 'b is away; c is away', undefined],
    ['POST', 'b is away', undefined],
  ]);
});

test('however many notes a reason has, an object has one write of it a minute, of the newest', async () => {
  const { clock, recorder, written } = recording();
  for (let i = 0; i < 600; i++) {
    recorder.record(about, happened({ note: `request ${i} is done` }));
    await clock.pass(100);
  }
  expect(written()).toEqual([
    ['POST', 'request 0 is done', undefined],
    [
      'POST',
      `${Array.from({ length: 8 }, (_, i) => `request ${599 - i} is done`).join('; ')}; and 591 more`,
      undefined,
    ],
  ]);
});

test('objects, reasons and types do not wait for one another', () => {
  const { asked, recorder } = recording();
  recorder.record(about, happened());
  recorder.record({ ...about, uid: '2' }, happened());
  recorder.record(about, happened({ reason: 'Other' }));
  recorder.record(about, happened({ type: 'Warning' }));
  expect(asked).toHaveLength(4);
});

test('a series whose event the server forgot begins anew', async () => {
  const { clock, recorder, written } = recording(({ method }) => {
    if (method === 'PATCH') throw new KubeError('gone', { status: 404 });
  });
  recorder.record(about, happened());
  recorder.record(about, happened());
  await clock.pass(60_000);
  expect(written()).toEqual([
    ['POST', 'it is done', undefined],
    ['PATCH', undefined, 2],
    ['POST', 'it is done', 2],
  ]);
});

test('one that cannot be written is logged, and stops nothing', async () => {
  const { clock, lines, recorder } = recording(() => {
    throw new KubeError('the namespace is going', { status: 403 });
  });
  recorder.record(about, happened());
  await clock.pass(0);
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { level: 'warn', message: 'event not written', object: 'a', error: 'the namespace is going' },
  ]);
});

test('stopping writes what was counted', async () => {
  const { clock, recorder, written } = recording();
  recorder.record(about, happened());
  recorder.record(about, happened());
  await recorder.stop();
  expect(written()).toEqual([
    ['POST', 'it is done', undefined],
    ['PATCH', undefined, 2],
  ]);
  expect(clock.pending()).toBe(0);
});

test('stopping waits with what was counted until the event that it belongs to is written', async () => {
  const first = Promise.withResolvers<void>();
  let stored = false;
  const { recorder, written } = recording(async ({ method }) => {
    if (method === 'PATCH' && !stored) throw new KubeError('no such event yet', { status: 404 });
    if (method === 'POST' && stored) throw new KubeError('there is such an event', { status: 409 });
    if (method === 'POST') {
      await first.promise;
      stored = true;
    }
  });
  recorder.record(about, happened());
  recorder.record(about, happened());
  const stopped = recorder.stop();
  await settle();
  expect(written()).toEqual([['POST', 'it is done', undefined]]);
  first.resolve();
  await stopped;
  expect(written()).toEqual([
    ['POST', 'it is done', undefined],
    ['PATCH', undefined, 2],
  ]);
});

test('notes and names are cut to what the server takes, and times are not of the future', () => {
  const { asked, recorder } = recording();
  const long = { ...about, name: 'n'.repeat(253) };
  recorder.record(long, happened({ note: `x${'ß'.repeat(600)}`, at: Date.UTC(2030, 0) }));
  recorder.record({ ...about, uid: '2' }, happened({ at: Date.UTC(2026, 10, 30) }));
  const [first, second] = asked.map(({ body }) => body);
  expect(Buffer.byteLength(first?.note ?? '')).toBe(1023);
  expect(first?.note).not.toContain('\uFFFD');
  expect(first?.metadata?.name).toHaveLength(253);
  expect(first?.eventTime).toBe('2026-12-01T00:00:00.000000Z');
  expect(second?.eventTime).toBe('2026-11-30T00:00:00.000000Z');
});

test('an event of an object without a namespace lies in default, as the server wants it', () => {
  const { asked, recorder } = recording();
  const { namespace: _, ...cluster } = about;
  recorder.record(cluster, happened());
  expect(asked[0]?.path).toBe('/apis/events.k8s.io/v1/namespaces/default/events');
});
