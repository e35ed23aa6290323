import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { manualClock } from '../../common/testing/manual-clock.ts';
import { freePorts } from '../integration/signers/processes.ts';
import { startDelayProxy, type DelayProxy } from './delay-proxy.ts';

const opened: (Server | Socket)[] = [];
const proxies: DelayProxy[] = [];

afterEach(async () => {
  for (const proxy of proxies.splice(0)) await proxy.close();
  for (const each of opened.splice(0)) {
    if ('destroy' in each) each.destroy();
    else each.close();
  }
});

/** A server behind a proxy, and a connection through it: both ends. */
async function through(delayMs: number, clock = systemClock): Promise<{ readonly near: Socket; readonly far: Socket }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await startDelayProxy((server.address() as AddressInfo).port, delayMs, clock);
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const near = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true });
  const [far] = await accepted;
  opened.push(server, near, far);
  proxies.push(proxy);
  for (const socket of [near, far]) socket.on('error', () => {});
  return { near, far };
}

async function digestOf(socket: Socket): Promise<string> {
  const hash = createHash('sha256');
  // What this end still sends goes on after the other one ended.
  for await (const bytes of socket.iterator({ destroyOnReturn: false })) hash.update(bytes as Buffer);
  return hash.digest('hex');
}

it('carries megabytes both ways at once as they are, and ends each way for itself', async () => {
  const { near, far } = await through(5);
  const send = (socket: Socket): string => {
    const hash = createHash('sha256');
    for (let i = 0; i < 200; i++) {
      const bytes = randomBytes(1 + ((i * 7919) % 60_000));
      hash.update(bytes);
      socket.write(bytes);
    }
    socket.end();
    return hash.digest('hex');
  };
  const got = Promise.all([digestOf(near), digestOf(far)]);
  const [there, back] = [send(near), send(far)];
  expect(await got).toEqual([back, there]);
});

it('goes on one way after the other one ended', async () => {
  const { near, far } = await through(1);
  near.end('question');
  expect(await digestOf(far)).toBe(createHash('sha256').update('question').digest('hex'));
  far.end('answer');
  expect(await digestOf(near)).toBe(createHash('sha256').update('answer').digest('hex'));
});

it('lets nothing through before its time, neither way, the end neither', async () => {
  const clock = manualClock();
  const { near, far } = await through(50, clock);
  const got = { near: '', far: '', ended: false };
  near.on('data', (bytes: Buffer) => (got.near += bytes.toString()));
  far.on('data', (bytes: Buffer) => (got.far += bytes.toString()));
  far.on('end', () => (got.ended = true));
  near.end('there');
  far.write('back');
  // Under way in either direction; the end came with its bytes or after them.
  await vi.waitFor(() => expect(clock.pending()).toBe(2));
  await clock.pass(49);
  expect(got).toEqual({ near: '', far: '', ended: false });
  await clock.pass(1);
  await vi.waitFor(() => expect(got).toMatchObject({ near: 'back', far: 'there' }));
  await vi.waitFor(async () => {
    await clock.pass(50);
    expect(got.ended).toBe(true);
  });
});

it('breaks the connection where the other end broke it, after what was sent before', async () => {
  const { near, far } = await through(5);
  let got = '';
  far.on('data', (bytes: Buffer) => (got += bytes.toString()));
  const broken = once(far, 'error', { signal: AbortSignal.timeout(10_000) });
  near.write('last words');
  await vi.waitFor(() => expect(got).toBe('last words'));
  near.resetAndDestroy();
  expect((await broken)[0]).toMatchObject({ code: 'ECONNRESET' });
});

it('breaks the connection where nobody listens', async () => {
  const [port = 0] = await freePorts(1);
  const proxy = await startDelayProxy(port, 1, systemClock);
  proxies.push(proxy);
  const socket = connect(proxy.port, '127.0.0.1');
  opened.push(socket);
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNRESET');
});

it('ends what is open when it is closed', async () => {
  const { near, far } = await through(1_000);
  const got: Buffer[] = [];
  const gone = [near, far].map((socket) => new Promise((resolve) => socket.on('close', resolve)));
  far.on('data', (bytes: Buffer) => got.push(bytes)).on('end', () => far.end());
  near.on('end', () => near.end()).resume();
  near.write('never');
  await proxies.pop()?.close();
  await Promise.all(gone);
  expect(got).toEqual([]);
});
