import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { listenAddress } from './listen-address.ts';

export type MetricsServer = { readonly port: number; close(): Promise<void> };

/** Scrapers and probes are few; whoever else comes must wait for none of them. */
const MOST_CONNECTIONS = 32;
const REQUEST_TIMEOUT = 5_000;
const MOST_HEADER_BYTES = 8 * 1024;

/**
 * Serves `/healthz` (200 while the process turns), `/readyz` (200 or 503, after `ready`) and `/metrics` (Prometheus
 * text) at `listen` (host:port; port 0 takes a free one). GET and HEAD only; a request body is never read.
 */
export async function serveMetrics(options: {
  readonly listen: string;
  readonly ready: () => boolean;
  /** Why it is not ready, for whoever looks; "" where that needs no word. */
  readonly whyNotReady?: () => string;
  readonly metrics: () => Promise<string>;
}): Promise<MetricsServer> {
  const { host, port } = listenAddress(options.listen);
  const server = createServer(
    {
      requestTimeout: REQUEST_TIMEOUT,
      headersTimeout: REQUEST_TIMEOUT,
      keepAliveTimeout: REQUEST_TIMEOUT,
      maxHeaderSize: MOST_HEADER_BYTES,
    },
    (request, response) => {
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        // What it may still send is not read.
        response.setHeader('connection', 'close');
        return answer(response, 405, 'only GET\n');
      }
      if (!URL.canParse(request.url ?? '', 'http://localhost')) return answer(response, 400, 'not a path\n');
      switch (new URL(request.url ?? '', 'http://localhost').pathname) {
        case '/healthz':
          return answer(response, 200, 'ok\n');
        case '/readyz':
          return options.ready()
            ? answer(response, 200, 'ok\n')
            : answer(response, 503, notReady(options.whyNotReady?.() ?? ''));
        case '/metrics':
          return void options.metrics().then(
            (text) => answer(response, 200, text, 'text/plain; version=0.0.4; charset=utf-8'),
            () => answer(response, 500, 'metrics failed\n'),
          );
        default:
          return answer(response, 404, 'not found: /healthz, /readyz, /metrics\n');
      }
    },
  );
  server.maxConnections = MOST_CONNECTIONS;
  server.listen({ host, port });
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

const notReady = (why: string): string => (why === '' ? 'not ready\n' : `not ready: ${why}\n`);

function answer(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(text);
}
