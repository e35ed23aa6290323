import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Credentials } from '../credentials.ts';
import { isRecord } from '../kube-error.ts';
import type { KubeObject } from '../kube-object.ts';

export type Stored = KubeObject & { readonly spec?: unknown; readonly status?: unknown };
type Happened = { readonly type: string; readonly version: number; readonly object: Stored };
type Watcher = { readonly response: ServerResponse; readonly prefix: string; silent: boolean };

/** What happens to the next request in place of an answer. */
export type RequestFault =
  | { readonly kind: 'reset' | 'silent' | 'not json' | 'cut off' }
  | { readonly kind: 'status'; readonly status: number; readonly reason?: string; readonly retryAfter?: string };

/** What happens to every watch that is open. */
export type WatchFault =
  | 'reset'
  | 'end'
  | 'silent'
  | 'bookmark'
  | 'cut off'
  | 'not json'
  | 'expired'
  | 'error'
  | 'repeat last'
  | 'repeat all';

export type Asked = {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Readonly<Record<string, unknown>> | undefined;
};

/**
 * What a client sees of an API server, as far as this runtime speaks to one: lists by pages, watches from a version,
 * versions and uids as preconditions. It does what its script says, faults included.
 */
export class ApiServer {
  readonly asked: Asked[] = [];
  readonly faults: RequestFault[] = [];
  /** Only this bearer token is let in, where it is set. */
  token: string | undefined;
  /** Connections that were opened. */
  connections = 0;
  readonly #server: http.Server;
  readonly #objects = new Map<string, Stored>();
  #history: Happened[] = [];
  /** Of pages that are not read to their end: what they were taken of. */
  readonly #snapshots = new Map<string, { readonly items: readonly Stored[]; readonly version: number }>();
  readonly #watchers = new Set<Watcher>();
  #version = 1_000_000;
  /** Watches from before are answered 410. */
  #oldest = 0;

  constructor(tls?: https.ServerOptions) {
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

  get watching(): number {
    return this.#watchers.size;
  }

  /** What is stored under a path of a list, by path of the object. */
  stored(list: string): ReadonlyMap<string, Stored> {
    return new Map([...this.#objects].filter(([path]) => path.startsWith(`${list}/`)));
  }

  get(path: string): Stored | undefined {
    return this.#objects.get(path);
  }

  /** Stores an object at `path`, of a new uid where none is. */
  put(path: string, fields: { readonly [field: string]: unknown } = {}): Stored {
    const held = this.#objects.get(path);
    const version = ++this.#version;
    const given = isRecord(fields['metadata']) ? fields['metadata'] : {};
    const object: Stored = {
      ...fields,
      metadata: {
        ...given,
        ...placeOf(path),
        uid: held?.metadata.uid ?? randomUUID(),
        resourceVersion: String(version),
      },
    };
    this.#objects.set(path, object);
    this.#happen({ type: held ? 'MODIFIED' : 'ADDED', version, object }, path);
    return object;
  }

  remove(path: string): void {
    const held = this.#objects.get(path);
    if (!held) return;
    const version = ++this.#version;
    this.#objects.delete(path);
    const object = { ...held, metadata: { ...held.metadata, resourceVersion: String(version) } };
    this.#happen({ type: 'DELETED', version, object }, path);
  }

  /** Forgets what happened until now: watches from before, and pages that are under way, are answered 410. */
  compact(): void {
    this.#oldest = this.#version;
    this.#history = [];
    this.#snapshots.clear();
  }

  /** Forgets as a server does that is restored from a backup: versions begin again, well before those it gave. */
  restore(): void {
    this.compact();
    this.#version -= 1_000;
    this.#oldest = this.#version;
    const version = this.#version;
    for (const [path, object] of this.#objects)
      this.#objects.set(path, { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } });
    this.disturb('reset');
  }

  disturb(fault: WatchFault): void {
    for (const watcher of [...this.#watchers]) this.#disturb(watcher, fault);
  }

  #disturb(watcher: Watcher, fault: WatchFault): void {
    const { response, prefix } = watcher;
    const past = this.#history.filter(({ object }) => pathBelongs(object, prefix));
    switch (fault) {
      case 'reset':
        response.destroy();
        break;
      case 'end':
        response.end();
        break;
      case 'silent':
        watcher.silent = true;
        break;
      case 'bookmark':
        send(watcher, 'BOOKMARK', { metadata: { resourceVersion: String(this.#version) } });
        break;
      case 'cut off':
        response.end(JSON.stringify({ type: 'ADDED', object: { metadata: { name: 'half' } } }).slice(0, -9));
        break;
      case 'not json':
        response.write('upstream connect error\n');
        break;
      case 'expired':
        send(watcher, 'ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' });
        break;
      case 'error':
        send(watcher, 'ERROR', { kind: 'Status', code: 500, reason: 'InternalError', message: 'etcd is gone' });
        break;
      case 'repeat last':
        for (const { type, object } of past.slice(-1)) send(watcher, type, object);
        break;
      case 'repeat all':
        for (const { type, object } of past) send(watcher, type, object);
        break;
    }
  }

  #happen(happened: Happened, path: string): void {
    this.#history.push(happened);
    for (const watcher of this.#watchers)
      if (path.startsWith(`${watcher.prefix}/`)) send(watcher, happened.type, happened.object);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname: path, searchParams: query } = new URL(request.url ?? '', this.url);
    const method = request.method ?? '';
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const parsed: unknown = text === '' ? undefined : JSON.parse(text);
    const body = isRecord(parsed) ? parsed : undefined;
    this.asked.push({ method, path, query, headers: request.headers, body });
    const fault = this.faults.shift();
    if (fault) return fail(response, fault);
    if (this.token !== undefined && request.headers.authorization !== `Bearer ${this.token}`)
      return refuse(response, 401, 'Unauthorized');
    if (query.get('watch') === 'true') return this.#watch(path, query, response);
    switch (method) {
      case 'GET': {
        const held = this.#objects.get(path);
        if (held) return answer(response, 200, held);
        return isObjectPath(path) ? refuse(response, 404, 'NotFound') : this.#list(path, query, response);
      }
      case 'POST': {
        const at = `${path}/${nameIn(body)}`;
        return this.#objects.has(at)
          ? refuse(response, 409, 'AlreadyExists')
          : answer(response, 201, this.put(at, body));
      }
      case 'PUT':
      case 'PATCH':
      case 'DELETE':
        return this.#write(method, path, request, body ?? {}, response);
      default:
        return refuse(response, 405, 'MethodNotAllowed');
    }
  }

  #write(
    method: 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    request: IncomingMessage,
    body: Readonly<Record<string, unknown>>,
    response: ServerResponse,
  ): void {
    const at = path.replace(/\/status$/, '');
    const held = this.#objects.get(at);
    const isApply = request.headers['content-type'] === 'application/apply-patch+yaml';
    if (!held && !(isApply && at === path)) return refuse(response, 404, 'NotFound');
    const preconditions = method === 'DELETE' ? body['preconditions'] : body['metadata'];
    const { uid, resourceVersion } = isRecord(preconditions) ? preconditions : {};
    const holds =
      (uid === undefined || uid === held?.metadata.uid) &&
      (resourceVersion === undefined || resourceVersion === held?.metadata.resourceVersion);
    if (!holds) return refuse(response, 409, 'Conflict');
    if (method === 'DELETE') {
      this.remove(at);
      return answer(response, 200, { kind: 'Status', status: 'Success' });
    }
    const next = method === 'PUT' ? body : merged(held ?? {}, body);
    answer(response, held ? 200 : 201, this.put(at, next));
  }

  #list(path: string, query: URLSearchParams, response: ServerResponse): void {
    const limit = Number(query.get('limit') ?? 0);
    const next = query.get('continue');
    if (next !== null && !this.#snapshots.has(next)) return refuse(response, 410, 'Expired');
    const { items, version } = this.#snapshots.get(next ?? '') ?? {
      items: [...this.stored(path).values()],
      version: this.#version,
    };
    const rest = limit > 0 ? items.slice(limit) : [];
    const token = rest.length > 0 ? randomUUID() : undefined;
    if (token !== undefined) this.#snapshots.set(token, { items: rest, version });
    answer(response, 200, {
      kind: 'List',
      metadata: { resourceVersion: String(version), continue: token },
      items: limit > 0 ? items.slice(0, limit) : items,
    });
  }

  #watch(path: string, query: URLSearchParams, response: ServerResponse): void {
    const from = Number(query.get('resourceVersion'));
    if (from > this.#version) return refuse(response, 504, 'Timeout');
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    const watcher: Watcher = { response, prefix: path, silent: false };
    if (from < this.#oldest) {
      this.#disturb(watcher, 'expired');
      response.end();
      return;
    }
    this.#watchers.add(watcher);
    response.on('close', () => this.#watchers.delete(watcher));
    for (const { type, version, object } of this.#history)
      if (version > from && pathBelongs(object, path)) send(watcher, type, object);
  }
}

const send = ({ response, silent }: Watcher, type: string, object: unknown): void => {
  if (!silent && !response.writableEnded) response.write(`${JSON.stringify({ type, object })}\n`);
};

const answer = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

const refuse = (response: ServerResponse, code: number, reason: string): void =>
  answer(response, code, { kind: 'Status', status: 'Failure', code, reason, message: `it says ${reason}` });

function fail(response: ServerResponse, fault: RequestFault): void {
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

/** RFC 7396. */
function merged(
  held: Readonly<Record<string, unknown>>,
  patch: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const next: Record<string, unknown> = { ...held };
  for (const [field, value] of Object.entries(patch))
    if (value === null) delete next[field];
    else if (isRecord(value)) {
      const below = next[field];
      next[field] = merged(isRecord(below) ? below : {}, value);
    } else next[field] = value;
  return next;
}

/** Paths here are all of namespaced kinds: an object's has one part more than its list's. */
const isObjectPath = (path: string): boolean => /\/namespaces\/[^/]+\/[^/]+\/[^/]+$/.test(path);

function placeOf(path: string): { readonly namespace: string; readonly name: string } {
  const [, namespace = '', name = ''] = /\/namespaces\/([^/]+)\/[^/]+\/([^/]+)$/.exec(path) ?? [];
  return { namespace, name };
}

const pathBelongs = ({ metadata }: Stored, list: string): boolean =>
  list.includes(`/namespaces/${metadata.namespace}/`);

const nameIn = (body: Readonly<Record<string, unknown>> | undefined): string => {
  const metadata = body?.['metadata'];
  return isRecord(metadata) && typeof metadata['name'] === 'string' ? metadata['name'] : randomUUID();
};
