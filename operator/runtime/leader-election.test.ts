import { expect, test } from 'vitest';
import { silentLog } from '../../common/log.ts';
import { manualClock, settle } from '../../common/testing/manual-clock.ts';
import type { KubeRequest } from './kube-client.ts';
import { KubeError } from './kube-error.ts';
import { LeadershipLost, runElected } from './leader-election.ts';

type Spec = Readonly<Record<string, string | number>>;

/** One Lease as the server keeps it, for any number of contenders. */
class LeaseServer {
  readonly writes: string[] = [];
  lease:
    | { readonly metadata: { readonly uid: string; readonly resourceVersion: string }; readonly spec: Spec }
    | undefined;
  #version = 0;

  put(spec: Spec): void {
    this.lease = { metadata: { uid: 'of-the-lease', resourceVersion: String(++this.#version) }, spec };
  }

  readonly request = async ({ method = 'GET', path, body, signal }: KubeRequest): Promise<unknown> => {
    signal?.throwIfAborted();
    const refuse = (status: number): never => {
      throw new KubeError(`${method} ${path}`, { status });
    };
    if (method === 'GET') return this.lease ?? refuse(404);
    const { metadata, spec } = body as NonNullable<LeaseServer['lease']>;
    if (method === 'POST' ? this.lease : !this.lease) refuse(method === 'POST' ? 409 : 404);
    if (method === 'PUT' && metadata.resourceVersion !== this.lease?.metadata.resourceVersion) refuse(409);
    this.put(spec);
    this.writes.push(`${method} ${spec['holderIdentity']}`);
    return this.lease;
  };
}

const start = Date.UTC(2026, 11, 1);

function electing() {
  const server = new LeaseServer();
  const clock = manualClock(start);
  const log: string[] = [];
  const told: unknown[] = [];
  /** `skewMs` is how wrong the contender's clock is; `faults` make its requests fail. */
  const contender = (identity: string, { skewMs = 0, lead = untilAborted } = {}) => {
    const stop = new AbortController();
    const faults: { request?: 'fails' | 'hangs' } = {};
    const given: { signal?: AbortSignal } = {};
    const ended = runElected(
      {
        client: {
          request: async (request) => {
            if (faults.request === 'fails') throw new KubeError('no', { reason: 'Unreachable' });
            if (faults.request === 'hangs')
              await new Promise((_, reject) =>
                request.signal?.addEventListener('abort', () => reject(new Error('called off'))),
              );
            return server.request(request);
          },
        },
        namespace: 'holdfast',
        name: 'operator',
        identity,
        clock: { ...clock, now: () => clock.now() + skewMs },
        log: silentLog,
        signal: stop.signal,
        random: () => 0,
        onChange: (leads) => log.push(`${identity} ${leads}`),
        events: { record: (about, { note }) => told.push([about.uid, note]) },
      },
      (signal) => {
        given.signal = signal;
        return lead(signal);
      },
    );
    ended.catch(() => {});
    return { stop, faults, ended, given };
  };
  return { server, clock, log, told, contender };
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve()));

test('the first creates the lease, with times of six digits, and renews it while it leads', async () => {
  const { server, clock, contender, log } = electing();
  const a = contender('a');
  await clock.pass(0);
  expect(log).toEqual(['a false', 'a true']);
  expect(server.lease?.spec).toEqual({
    holderIdentity: 'a',
    leaseDurationSeconds: 15,
    acquireTime: '2026-12-01T00:00:00.000000Z',
    renewTime: '2026-12-01T00:00:00.000000Z',
    leaseTransitions: 0,
  });
  await clock.pass(60_000);
  expect(server.writes).toHaveLength(31);
  expect(server.lease?.spec).toMatchObject({
    acquireTime: '2026-12-01T00:00:00.000000Z',
    renewTime: '2026-12-01T00:01:00.000000Z',
    leaseTransitions: 0,
  });
  a.stop.abort();
  await a.ended;
  expect(clock.pending()).toBe(0);
});

test('one that stops gives the lease up once it is over, and the next leads soon', async () => {
  const { server, clock, contender, log } = electing();
  let finish = (): void => {};
  const a = contender('a', { lead: () => new Promise((resolve) => (finish = resolve)) });
  await clock.pass(0);
  const b = contender('b');
  a.stop.abort();
  await clock.pass(60_000);
  expect(log).toEqual(['a false', 'a true', 'b false']);
  finish();
  await a.ended;
  expect(server.lease?.spec).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 });
  await clock.pass(2_000);
  expect(log.slice(3)).toEqual(['a false', 'b true']);
  expect(server.lease?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1, leaseDurationSeconds: 15 });
  b.stop.abort();
  await b.ended;
});

test.each([-3_600_000, 0, 3_600_000])(
  'a holder that is gone is succeeded after its time as others saw it, clocks apart by %i ms',
  async (skewMs) => {
    const { server, clock, contender, log } = electing();
    server.put({
      holderIdentity: 'gone',
      leaseDurationSeconds: 15,
      renewTime: '2026-12-01T00:00:00.000000Z',
      leaseTransitions: 4,
    });
    await clock.pass(100_000);
    const b = contender('b', { skewMs });
    await clock.pass(15_000);
    expect(log).toEqual(['b false']);
    await clock.pass(2_000);
    expect(log).toEqual(['b false', 'b true']);
    expect(server.lease?.spec['leaseTransitions']).toBe(5);
    b.stop.abort();
    await b.ended;
  },
);

test('the Lease is told once of each that leads, and after whom', async () => {
  const { clock, contender, told } = electing();
  const a = contender('a');
  await clock.pass(0);
  const b = contender('b');
  await clock.pass(60_000);
  expect(told).toEqual([['of-the-lease', 'a became leader']]);
  a.faults.request = 'fails';
  await clock.pass(30_000);
  await expect(a.ended).rejects.toThrow(LeadershipLost);
  expect(told.slice(1)).toEqual([['of-the-lease', 'b became leader after a']]);
  b.stop.abort();
  await b.ended;
});

test('a holder that renews is never succeeded, whatever its clock says', async () => {
  const { clock, contender, log } = electing();
  const a = contender('a', { skewMs: -86_400_000 });
  await clock.pass(0);
  const b = contender('b');
  await clock.pass(600_000);
  expect(log).toEqual(['a false', 'a true', 'b false']);
  b.stop.abort();
  a.stop.abort();
  await Promise.all([a.ended, b.ended]);
});

test.each(['fails', 'hangs'] as const)('one whose renewal %s no longer leads before another can', async (request) => {
  const { clock, contender, log } = electing();
  const a = contender('a');
  await clock.pass(0);
  const b = contender('b');
  await clock.pass(1_000);
  a.faults.request = request;
  await clock.pass(8_999);
  expect(a.given.signal?.aborted).toBe(false);
  await clock.pass(1);
  expect(a.given.signal?.aborted).toBe(true);
  await expect(a.ended).rejects.toThrow(new LeadershipLost('lease not renewed for 10000 ms'));
  expect(log).toEqual(['a false', 'a true', 'b false', 'a false']);
  await clock.pass(10_000);
  expect(log.at(-1)).toBe('b true');
  b.stop.abort();
  await b.ended;
});

test('an outage that ends in time changes nothing', async () => {
  const { clock, contender, log } = electing();
  const a = contender('a');
  await clock.pass(0);
  a.faults.request = 'fails';
  await clock.pass(7_000);
  delete a.faults.request;
  await clock.pass(60_000);
  expect(log).toEqual(['a false', 'a true']);
  a.stop.abort();
  await a.ended;
});

test('a lease that another took is lost at the next renewal, even where the leader does not listen', async () => {
  const { server, clock, contender } = electing();
  const a = contender('a', { lead: () => new Promise(() => {}) });
  await clock.pass(0);
  server.put({ ...server.lease?.spec, holderIdentity: 'usurper' });
  await clock.pass(2_000);
  await expect(a.ended).rejects.toThrow(new LeadershipLost('lease taken by usurper'));
  expect(server.lease?.spec['holderIdentity']).toBe('usurper');
});

test('a write to the lease by who does not want it is no loss; its deletion is', async () => {
  const { server, clock, contender, log } = electing();
  const a = contender('a');
  await clock.pass(0);
  server.put(server.lease!.spec);
  await clock.pass(60_000);
  expect(log).toEqual(['a false', 'a true']);
  server.lease = undefined;
  await clock.pass(2_000);
  await expect(a.ended).rejects.toThrow(LeadershipLost);
});

test('of many that begin at once one leads', async () => {
  const { clock, contender, log } = electing();
  const all = ['a', 'b', 'c', 'd'].map((identity) => contender(identity));
  await clock.pass(60_000);
  expect(log.filter((line) => line.endsWith('true'))).toHaveLength(1);
  for (const { stop } of all) stop.abort();
  await Promise.all(all.map(({ ended }) => ended));
});

test('what the leader throws is thrown, and the lease given up', async () => {
  const { server, clock, contender } = electing();
  const a = contender('a', { lead: () => Promise.reject(new Error('broken')) });
  await clock.pass(0);
  await expect(a.ended).rejects.toThrow('broken');
  expect(server.lease?.spec['holderIdentity']).toBe('');
  expect(clock.pending()).toBe(0);
});

test('one that is stopped while it waits ends without leading', async () => {
  const { server, clock, contender, log } = electing();
  server.put({ holderIdentity: 'other', leaseDurationSeconds: 3_600 });
  const a = contender('a');
  await clock.pass(5_000);
  a.stop.abort();
  await a.ended;
  await settle();
  expect([log, server.writes, clock.pending()]).toEqual([['a false'], [], 0]);
});
