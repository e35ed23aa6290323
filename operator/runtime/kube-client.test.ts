import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { certificatePem, selfSignedCertificate } from '../../common/certificate.ts';
import { systemClock } from '../../common/clock.ts';
import { manualClock, settle } from '../../common/testing/manual-clock.ts';
import type { Credentials } from './credentials.ts';
import { KubeClient } from './kube-client.ts';
import type { KubeClientOptions, WatchEvent } from './kube-client.ts';
import { KubeError, isConflict, isNotFound } from './kube-error.ts';
import { ApiServer } from './testing/api-server.ts';

const list = '/apis/example.dev/v1/namespaces/payments/things';
let server: ApiServer;
let clients: KubeClient[] = [];
beforeEach(async () => {
  server = await new ApiServer().start();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server.close();
});

function clientOf(over: Partial<KubeClientOptions> = {}): KubeClient {
  const client = new KubeClient({
    credentials: server.credentials,
    clock: systemClock,
    userAgent: 'holdfast/0.1',
    ...over,
  });
  clients = [...clients, client];
  return client;
}

const failure = async (promise: Promise<unknown>): Promise<KubeError> => {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof KubeError)) throw new Error(`want a KubeError, got ${String(error)}`);
  return error;
};

async function collect(events: AsyncIterable<WatchEvent>, most = Number.POSITIVE_INFINITY): Promise<WatchEvent[]> {
  const found: WatchEvent[] = [];
  for await (const event of events) if (found.push(event) >= most) break;
  return found;
}

test('a request carries its query, body, content type, and who asks', async () => {
  const client = clientOf({
    credentials: async () => ({ ...(await server.credentials()), headers: { Authorization: 'Bearer t' } }),
  });
  const made = await client.request({
    method: 'POST',
    path: list,
    query: { fieldManager: 'me', force: true, absent: undefined },
    body: { metadata: { name: 'Ä' } },
  });
  expect(made).toMatchObject({ metadata: { name: 'Ä', namespace: 'payments' } });
  const [asked] = server.asked;
  expect(asked?.query.toString()).toBe('fieldManager=me&force=true');
  expect(asked?.headers).toMatchObject({
    authorization: 'Bearer t',
    'user-agent': 'holdfast/0.1',
    'content-type': 'application/json',
    accept: 'application/json',
  });
});

describe('connections', () => {
  test('requests in turn share one, and each watch has its own', async () => {
    const client = clientOf();
    const stop = new AbortController();
    const watching = [1, 2].map(() => collect(client.watch({ path: list, signal: stop.signal })));
    for (let i = 0; i < 50; i++) await client.request({ path: list });
    await expect.poll(() => server.watching).toBe(2);
    expect(server.connections).toBe(3);
    stop.abort(new Error('enough'));
    expect(await Promise.allSettled(watching)).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
  });

  test('many requests at once wait for a few, however many watches there are', async () => {
    const client = clientOf();
    const stop = new AbortController();
    const watching = Array.from({ length: 20 }, () => collect(client.watch({ path: list, signal: stop.signal })));
    await expect.poll(() => server.watching).toBe(20);
    await Promise.all(Array.from({ length: 100 }, () => client.request({ path: list })));
    expect(server.connections).toBe(36);
    stop.abort(new Error('enough'));
    await Promise.allSettled(watching);
  });

  test('one that the server closed just now is no failure', async () => {
    const client = clientOf();
    const { uid } = server.put(`${list}/a`).metadata;
    await client.request({ path: list });
    server.dropIdle();
    const body = { metadata: { uid, labels: { a: 'b' } } };
    await client.request({ method: 'PATCH', path: `${list}/a`, body, contentType: 'application/merge-patch+json' });
    expect(server.connections).toBe(2);
    expect(server.get(`${list}/a`)?.metadata.labels).toEqual({ a: 'b' });
  });

  test('TLS is checked against the CA and made once; new certificates make new connections', async () => {
    const [tls, other] = ['api', 'other'].map((commonName) => {
      const privateKey = createPrivateKey(
        generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }),
      );
      const cert = certificatePem(selfSignedCertificate({ commonName, privateKey }));
      return { cert, key: privateKey.export({ format: 'pem', type: 'pkcs8' }) };
    });
    const secure = await new ApiServer({ cert: tls!.cert, key: tls!.key }).start();
    try {
      const clock = manualClock();
      let trusted: Credentials['tls'] = { ca: tls!.cert, servername: 'api' };
      const client = clientOf({
        clock,
        credentials: async () => ({ server: secure.url, namespace: undefined, headers: {}, tls: trusted }),
      });
      for (let i = 0; i < 50; i++) await client.request({ path: list });
      expect(secure.connections).toBe(1);
      trusted = { ca: other!.cert, servername: 'api' };
      await clock.pass(60_000);
      expect(await failure(client.request({ path: list }))).toMatchObject({ status: 0, reason: 'Unreachable' });
      trusted = { ca: [other!.cert, tls!.cert], servername: 'api' };
      await clock.pass(60_000);
      await client.request({ path: list });
      expect(secure.connections).toBe(2);
    } finally {
      await secure.close();
    }
  });
});

describe('errors', () => {
  test('an answer that is a Status is one, with the words of it', async () => {
    const error = await failure(clientOf().request({ path: `${list}/none` }));
    expect(error).toMatchObject({ status: 404, reason: 'NotFound', retryAfterMs: 0 });
    expect(error.message).toBe(`GET ${list}/none: 404 NotFound: it says NotFound`);
    expect([isNotFound(error), isConflict(error)]).toEqual([true, false]);
  });

  test.each([
    ['7', 7_000],
    ['Thu, 01 Jan 1970 00:00:20 GMT', 19_000],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
    ['86400', 300_000],
    ['soon', 0],
  ])('Retry-After: %s asks for %i ms', async (retryAfter, retryAfterMs) => {
    server.faults.push({ kind: 'status', status: 429, reason: 'TooManyRequests', retryAfter });
    const client = clientOf({ clock: manualClock(1_000) });
    expect(await failure(client.request({ path: list }))).toMatchObject({ status: 429, retryAfterMs });
  });

  test.each([
    [{ kind: 'reset' }, 'Unreachable'],
    [{ kind: 'cut off' }, 'Unreachable'],
    [{ kind: 'not json' }, 'Malformed'],
  ] as const)('%o is %s', async (fault, reason) => {
    server.faults.push(fault);
    expect(await failure(clientOf().request({ path: list }))).toMatchObject({ status: 0, reason });
  });

  test('a server that does not answer in time is none', async () => {
    const clock = manualClock();
    server.faults.push({ kind: 'silent' });
    const failed = failure(clientOf({ clock }).request({ path: list }));
    await expect.poll(() => server.asked.length).toBe(1);
    await clock.pass(29_999);
    expect(clock.pending()).toBe(1);
    await clock.pass(1);
    expect(await failed).toMatchObject({ status: 0, reason: 'Timeout' });
    expect(clock.pending()).toBe(0);
  });

  test('a request that is called off ends with the reason', async () => {
    server.faults.push({ kind: 'silent' });
    const stop = new AbortController();
    const asked = clientOf().request({ path: list, signal: stop.signal });
    await expect.poll(() => server.asked.length).toBe(1);
    stop.abort(new Error('enough'));
    await expect(asked).rejects.toThrow('enough');
  });

  test('each answer is told, and each failure to answer', async () => {
    const told: string[] = [];
    const client = clientOf({ onAnswer: (method, code) => told.push(`${method} ${code}`) });
    server.faults.push({ kind: 'reset' }, { kind: 'status', status: 500 });
    await failure(client.request({ method: 'DELETE', path: `${list}/a` }));
    await failure(client.request({ path: list }));
    await client.request({ path: list });
    expect(told).toEqual(['DELETE <error>', 'GET 500', 'GET 200']);
  });
});

describe('credentials', () => {
  function reading() {
    let reads = 0;
    const clock = manualClock();
    const client = clientOf({
      clock,
      credentials: async () => {
        const headers = { Authorization: `Bearer token-${++reads}` };
        return { ...(await server.credentials()), headers };
      },
    });
    return { client, clock, reads: () => reads };
  }

  test('are read once a minute, however many requests there are', async () => {
    const { client, clock, reads } = reading();
    server.token = 'token-1';
    await Promise.all([1, 2, 3].map(() => client.request({ path: list })));
    await clock.pass(59_999);
    await client.request({ path: list });
    expect(reads()).toBe(1);
    server.token = 'token-2';
    await clock.pass(1);
    await client.request({ path: list });
    expect([reads(), server.asked.length]).toEqual([2, 5]);
  });

  test('that are refused are read anew at once, by requests and watches, once for all', async () => {
    const { client, reads } = reading();
    await client.request({ path: list });
    server.token = 'token-2';
    const stop = new AbortController();
    const watching = collect(client.watch({ path: list, signal: stop.signal }), 1);
    await Promise.all([1, 2, 3].map(() => client.request({ path: list })));
    expect(reads()).toBe(2);
    await expect.poll(() => server.watching).toBe(1);
    server.put(`${list}/a`);
    expect(await watching).toHaveLength(1);
  });

  test('that stay refused are an error, tried twice', async () => {
    const { client } = reading();
    server.token = 'another';
    expect(await failure(client.request({ path: list }))).toMatchObject({ status: 401, reason: 'Unauthorized' });
    expect(server.asked).toHaveLength(2);
  });

  test('that cannot be read are an error, and read again for the next request', async () => {
    let reads = 0;
    const client = clientOf({
      credentials: async () => {
        if (++reads === 1) throw new Error('no such file');
        return server.credentials();
      },
    });
    expect((await failure(client.request({ path: list }))).message).toContain('no such file');
    await client.request({ path: list });
  });
});

describe('a watch', () => {
  async function watching(over: Partial<KubeClientOptions> = {}) {
    const stop = new AbortController();
    const events: WatchEvent[] = [];
    const client = clientOf(over);
    const ended = (async () => {
      for await (const event of client.watch({
        path: list,
        query: { resourceVersion: '1000000' },
        signal: stop.signal,
      }))
        events.push(event);
    })();
    ended.catch(() => {});
    await expect.poll(() => server.watching).toBe(1);
    return { stop, events, ended };
  }

  test('tells events until the server ends it', async () => {
    const { events, ended } = await watching();
    const put = server.put(`${list}/a`, { spec: 'ß'.repeat(100_000) });
    server.remove(`${list}/a`);
    server.disturb('bookmark');
    server.disturb('end');
    await ended;
    expect(events).toEqual([
      { type: 'ADDED', object: put },
      { type: 'DELETED', object: { ...put, metadata: { ...put.metadata, resourceVersion: '1000002' } } },
      { type: 'BOOKMARK', object: { metadata: { resourceVersion: '1000002' } } },
    ]);
  });

  test.each([
    ['expired', { status: 410, reason: 'Expired' }],
    ['error', { status: 500, reason: 'InternalError' }],
    ['reset', { status: 0, reason: 'Unreachable' }],
    ['cut off', { status: 0, reason: 'Malformed' }],
    ['not json', { status: 0, reason: 'Malformed' }],
  ] as const)('that is disturbed (%s) ends with the error, after what came before', async (fault, error) => {
    const { events, ended } = await watching();
    server.put(`${list}/a`);
    await expect.poll(() => events.length).toBe(1);
    server.disturb(fault);
    expect(await failure(ended)).toMatchObject(error);
    await expect.poll(() => server.watching).toBe(0);
  });

  test('that is refused ends with the Status', async () => {
    server.faults.push({ kind: 'status', status: 429, retryAfter: '3' });
    const events = clientOf().watch({ path: list, signal: new AbortController().signal });
    expect(await failure(collect(events))).toMatchObject({ status: 429, retryAfterMs: 3_000 });
  });

  test('that is silent for too long ends; each byte counts', async () => {
    const clock = manualClock();
    const { events, ended } = await watching({ clock });
    await clock.pass(149_999);
    server.disturb('bookmark');
    await expect.poll(() => events.length).toBe(1);
    await clock.pass(149_999);
    expect(clock.pending()).toBe(1);
    await clock.pass(1);
    expect(await failure(ended)).toMatchObject({ status: 0, reason: 'Silent' });
    expect(clock.pending()).toBe(0);
  });

  test('that is left by its reader closes its connection', async () => {
    server.put(`${list}/a`);
    const signal = new AbortController().signal;
    await collect(clientOf().watch({ path: list, query: { resourceVersion: '1000000' }, signal }), 1);
    await settle();
    await expect.poll(() => server.watching).toBe(0);
  });
});
