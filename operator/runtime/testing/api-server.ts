import { once } from 'node:events';
import http from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Credentials } from '../credentials.ts';
import { isRecord } from '../kube-error.ts';
import { ApiState, isObjectPath } from './api-state.ts';
import type { RequestFault } from './api-state.ts';
import { refused, write } from './api-writes.ts';
import type { Admit } from './api-writes.ts';
import type { Fields } from './field-ownership.ts';

export type Asked = {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Fields | undefined;
};

/** A scripted API server over HTTP, or over HTTPS where it is given a certificate. */
export class ApiServer extends ApiState {
  readonly asked: Asked[] = [];
  /** Only this bearer token is let in, where it is set. */
  token: string | undefined;
  /** Requests for such a path are never answered, where it is set. */
  deaf: ((path: string) => boolean) | undefined;
  /** What is held to rules, where it is set. */
  admit: Admit | undefined;
  /** Connections that were opened. */
  connections = 0;
  readonly #server: http.Server;

  constructor(tls?: https.ServerOptions) {
    super();
    this.#server = tls ? https.createServer(tls) : http.createServer();
    this.#server.on(tls ? 'secureConnection' : 'connection', () => this.connections++);
    this.#server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
  }

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** As a server does whose idle limit is over. */
  dropIdle(): void {
    this.#server.closeIdleConnections();
  }

  get url(): URL {
    const { port } = this.#server.address() as AddressInfo;
    return new URL(`${this.#server instanceof https.Server ? 'https' : 'http'}://127.0.0.1:${port}`);
  }

  readonly credentials = async (): Promise<Credentials> => ({
    server: this.url,
    namespace: 'holdfast',
    headers: {},
    tls: {},
  });

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname: path, searchParams: query } = new URL(request.url ?? '', this.url);
    const method = request.method ?? '';
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const parsed: unknown = text === '' ? undefined : JSON.parse(text);
    const body = isRecord(parsed) ? parsed : undefined;
    this.asked.push({ method, path, query, headers: request.headers, body });
    if (this.deaf?.(path) === true) return;
    const fault = this.faults.shift();
    if (fault && fault.kind !== 'answer lost') return fail(response, fault);
    if (this.token !== undefined && request.headers.authorization !== `Bearer ${this.token}`)
      return refuse(response, 401, 'Unauthorized');
    if (query.get('watch') === 'true') return this.#watch(path, Number(query.get('resourceVersion')), response);
    switch (method) {
      case 'GET': {
        if (!isObjectPath(path)) return this.#list(path, query, response);
        const held = this.get(path);
        return held ? answer(response, 200, held) : refuse(response, 404, 'NotFound');
      }
      case 'POST':
      case 'PUT':
      case 'PATCH':
      case 'DELETE': {
        const contentType = request.headers['content-type'];
        const { status, body: said } = write(
          this,
          { method, path, query: Object.fromEntries(query), contentType, body: body ?? {} },
          this.admit,
        );
        if (fault) return fail(response, { kind: 'cut off' });
        return answer(response, status, said);
      }
      default:
        return refuse(response, 405, 'MethodNotAllowed');
    }
  }

  #list(path: string, query: URLSearchParams, response: ServerResponse): void {
    const page = this.page(path, Number(query.get('limit') ?? 0), query.get('continue') ?? undefined);
    if (!page) return refuse(response, 410, 'Expired');
    const metadata = { resourceVersion: String(page.version), continue: page.next };
    answer(response, 200, { kind: 'List', metadata, items: page.items });
  }

  #watch(path: string, from: number, response: ServerResponse): void {
    const send = (type: string, object: unknown): void => {
      if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/json' });
      if (!response.writableEnded) response.write(`${JSON.stringify({ type, object })}\n`);
    };
    const watch = this.watch(path, from, {
      send,
      end(how) {
        if (how === 'reset') response.destroy();
        else if (how === 'not json') response.end('upstream connect error\n');
        else if (how === 'cut off') response.end('{"type":"ADDED","object":{"metadata":{"name":"ha');
        else response.end();
      },
    });
    if (!watch) return refuse(response, 504, 'Timeout');
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    response.on('close', watch.stop);
  }
}

const answer = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

const refuse = (response: ServerResponse, code: number, reason: string): void => {
  const { status, body } = refused(code, reason);
  answer(response, status, body);
};

function fail(response: ServerResponse, fault: Exclude<RequestFault, { readonly kind: 'answer lost' }>): void {
  switch (fault.kind) {
    case 'reset':
      response.destroy();
      break;
    case 'silent':
      break;
    case 'not json':
      response.end('upstream connect error');
      break;
    case 'cut off':
      response.writeHead(200, { 'content-length': 1000 }).write('{"items":[');
      setImmediate(() => response.destroy());
      break;
    case 'status':
      if (fault.retryAfter !== undefined) response.setHeader('retry-after', fault.retryAfter);
      refuse(response, fault.status, fault.reason ?? '');
      break;
  }
}
