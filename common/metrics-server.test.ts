import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { isPortInUse } from './listen-address.ts';
import { serveMetrics, type MetricsServer } from './metrics-server.ts';

describe('the metrics server', () => {
  const running: MetricsServer[] = [];
  afterEach(async () => {
    for (const server of running.splice(0)) await server.close();
  });
  const serve = async (options: Partial<Parameters<typeof serveMetrics>[0]> = {}): Promise<string> => {
    const server = await serveMetrics({
      listen: '127.0.0.1:0',
      ready: () => true,
      metrics: async () => 'up 1\n',
      ...options,
    });
    running.push(server);
    return `http://127.0.0.1:${server.port}`;
  };

  it('is healthy from the start and ready when the process says so', async () => {
    let ready = false;
    const url = await serve({ ready: () => ready, whyNotReady: () => 'the disk is full' });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    const early = await fetch(`${url}/readyz`);
    expect(early.status).toBe(503);
    expect(await early.text()).toBe('not ready: the disk is full\n');
    ready = true;
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });

  it('gives the metrics, and says so where they fail', async () => {
    const response = await fetch(`${await serve()}/metrics?x=1`);
    expect(await response.text()).toBe('up 1\n');
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const failing = await serve({ metrics: () => Promise.reject(new Error('secret')) });
    const failed = await fetch(`${failing}/metrics`);
    expect([failed.status, await failed.text()]).toEqual([500, 'metrics failed\n']);
  });

  it('answers nothing but GET, and nothing else', async () => {
    const url = await serve();
    expect((await fetch(`${url}/metrics`, { method: 'POST', body: 'x' })).status).toBe(405);
    expect((await fetch(`${url}/other`)).status).toBe(404);
    expect((await fetch(`${url}/%00/..//healthz`)).status).toBe(404);
  });

  it('answers a target that is no path, and outlives a client that talks nonsense', async () => {
    const url = await serve();
    const raw = (text: string): Promise<string> =>
      new Promise((resolve) => {
        const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.end(text));
        let answer = '';
        socket.on('data', (chunk) => (answer += chunk.toString()));
        socket.on('close', () => resolve(answer));
      });
    expect(await raw('GET http://[ HTTP/1.1\r\nhost: x\r\n\r\n')).toMatch(/^HTTP\/1.1 400/);
    expect(await raw('\x00\x01\x02\r\n\r\n')).toMatch(/^HTTP\/1.1 400/);
    expect(await raw(`GET / HTTP/1.1\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1.1 431/);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it('says which port is taken', async () => {
    const port = new URL(await serve()).port;
    const error: unknown = await serve({ listen: `127.0.0.1:${port}` }).catch((e: unknown) => e);
    expect(isPortInUse(error)).toBe(true);
    await expect(serve({ listen: 'nowhere' })).rejects.toThrow('want host:port, got "nowhere"');
  });
});
