import http from 'node:http';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import type { Clock } from '../../common/clock.ts';
import { ConnectionPool } from './connection-pool.ts';
import type { Agents } from './connection-pool.ts';
import type { Credentials, ReadCredentials } from './credentials.ts';
import { KubeError, isRecord, statusError, unanswered } from './kube-error.ts';
import { readLines } from './read-lines.ts';

/** Credentials are read again after so long, as client-go does, and at once when they are refused. Milliseconds. */
const credentialsMs = 60_000;
const requestMs = 30_000;
/** An answer of a page of objects at etcd's limit of 1.5 MiB each would be larger; nothing sane is. */
const mostBodyBytes = 256 * 1024 * 1024;
/** How long a watch may be without a byte. A server sends bookmarks about every minute where it has anything to tell. */
const silenceMs = 150_000;

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export type KubeRequest = {
  readonly method?: Method;
  readonly path: string;
  readonly query?: Query;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal?: AbortSignal;
  /** Milliseconds for the whole answer. */
  readonly timeoutMs?: number;
};

export type WatchRequest = {
  readonly path: string;
  readonly query?: Query;
  readonly signal: AbortSignal;
  readonly silenceMs?: number;
};

export type WatchEvent = {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: unknown;
};

export type KubeClientOptions = {
  readonly credentials: ReadCredentials;
  readonly clock: Clock;
  /** Name and version, as servers log it. */
  readonly userAgent: string;
  /** Told of each answer; `code` is its status or, without one, `<error>`, as client-go has it. */
  readonly onAnswer?: (method: Method, code: string) => void;
};

/**
 * Speaks JSON with one API server over a few connections. Every failure is a {@link KubeError}, but that the caller's
 * signal aborted, which is its reason. Nothing is tried again here but what the server cannot have acted on.
 */
export class KubeClient {
  readonly #options: KubeClientOptions;
  readonly #pool = new ConnectionPool();
  #credentials: { readonly read: Promise<Credentials>; readonly at: number } | undefined;

  constructor(options: KubeClientOptions) {
    this.#options = options;
  }

  /** The answer's JSON; undefined where it has no body. */
  async request(request: KubeRequest): Promise<unknown> {
    const { method = 'GET', path, signal, timeoutMs = requestMs } = request;
    const asked = `${method} ${path}`;
    const limit = new AbortController();
    const cancel = this.#options.clock.after(timeoutMs, () =>
      limit.abort(new KubeError(`${asked}: no answer within ${timeoutMs} ms`, { reason: 'Timeout' })),
    );
    const ended = signal ? AbortSignal.any([limit.signal, signal]) : limit.signal;
    try {
      const answer = await this.#answer({ ...request, method, signal: ended }, ({ requests }) => requests);
      const body = await readBody(answer);
      const status = answer.statusCode ?? 0;
      if (status < 200 || status > 299)
        throw statusError(asked, { status, body: parse(body), headers: answer.headers }, this.#options.clock.now());
      if (body === '') return undefined;
      const parsed = parse(body);
      if (parsed === undefined) throw new KubeError(`${asked}: the answer is not JSON`, { reason: 'Malformed' });
      return parsed;
    } catch (error) {
      ended.throwIfAborted();
      throw unanswered(asked, error);
    } finally {
      cancel();
    }
  }

  /**
   * Events as the server tells them, until it ends the watch. Throws what an ERROR event says, and where the connection
   * breaks, is silent or says what is no event.
   */
  async *watch(request: WatchRequest): AsyncGenerator<WatchEvent, void, undefined> {
    const { path, signal, silenceMs: most = silenceMs } = request;
    const { clock } = this.#options;
    const asked = `watch ${path}`;
    const silence = new AbortController();
    let cancel = (): void => {};
    const heard = (): void => {
      cancel();
      cancel = clock.after(most, () =>
        silence.abort(new KubeError(`${asked}: silent for ${most} ms`, { reason: 'Silent' })),
      );
    };
    const ended = AbortSignal.any([signal, silence.signal]);
    heard();
    let answer: IncomingMessage | undefined;
    try {
      const query = { ...request.query, watch: true };
      answer = await this.#answer({ method: 'GET', path, query, signal: ended }, ({ watches }) => watches);
      const status = answer.statusCode ?? 0;
      if (status !== 200)
        throw statusError(asked, { status, body: parse(await readBody(answer)), headers: answer.headers }, clock.now());
      for await (const line of readLines(answer, heard)) yield eventOf(asked, line, clock.now());
    } catch (error) {
      ended.throwIfAborted();
      throw unanswered(asked, error);
    } finally {
      cancel();
      answer?.destroy();
    }
  }

  /** The namespace of the kubeconfig's context or of the pod. Throws where credentials cannot be read. */
  async namespace(): Promise<string | undefined> {
    return (await this.#current()).namespace;
  }

  /** Ends every connection; requests under way fail. */
  close(): void {
    this.#pool.close();
  }

  /** The head of an answer; on 401 of a second try with credentials that are read anew. */
  async #answer(request: Sent, agent: (agents: Agents) => http.Agent): Promise<IncomingMessage> {
    const held = this.#current();
    const answer = await this.#send(request, await held, agent);
    if (answer.statusCode !== 401) return answer;
    answer.resume();
    if (this.#credentials?.read === held) this.#credentials = undefined;
    return this.#send(request, await this.#current(), agent);
  }

  #current(): Promise<Credentials> {
    const now = this.#options.clock.monotonic();
    if (this.#credentials === undefined || now - this.#credentials.at >= credentialsMs) {
      const read = this.#options.credentials();
      this.#credentials = { read, at: now };
      read.catch(() => {
        if (this.#credentials?.read === read) this.#credentials = undefined;
      });
    }
    return this.#credentials.read;
  }

  async #send(
    request: Sent,
    credentials: Credentials,
    agent: (agents: Agents) => http.Agent,
  ): Promise<IncomingMessage> {
    const { onAnswer = () => {}, userAgent } = this.#options;
    try {
      const answer = await exchange(request, credentials, userAgent, agent(this.#pool.of(credentials)));
      onAnswer(request.method, String(answer.statusCode));
      return answer;
    } catch (error) {
      onAnswer(request.method, '<error>');
      throw error;
    }
  }
}

type Sent = Pick<KubeRequest, 'path' | 'query' | 'body' | 'contentType'> & {
  readonly method: Method;
  readonly signal: AbortSignal;
};

function exchange(
  given: Sent,
  credentials: Credentials,
  userAgent: string,
  agent: http.Agent,
): Promise<IncomingMessage> {
  const { method, path, query = {}, body, contentType = 'application/json', signal } = given;
  const { server, headers } = credentials;
  const url = new URL(server.pathname.replace(/\/$/, '') + path, server);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value));
  const content = body === undefined ? undefined : JSON.stringify(body);
  const length =
    content === undefined ? {} : { 'content-length': Buffer.byteLength(content), 'content-type': contentType };
  return new Promise((resolve, reject) => {
    const { request } = url.protocol === 'http:' ? http : https;
    const sent = request(url, {
      method,
      agent,
      signal,
      headers: { ...headers, accept: 'application/json', 'user-agent': userAgent, ...length },
    });
    sent.on('response', resolve);
    sent.on('error', (error) => {
      // The server closed an idle connection just as it was used again. Each idle one can fail so once.
      if (sent.reusedSocket && method !== 'POST' && !signal.aborted)
        resolve(exchange(given, credentials, userAgent, agent));
      else reject(error);
    });
    sent.end(content);
  });
}

async function readBody(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > mostBodyBytes) throw new KubeError('the answer is too large', { reason: 'Malformed' });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function eventOf(asked: string, line: string, now: number): WatchEvent {
  const event = parse(line);
  if (!isRecord(event) || !isRecord(event['object']))
    throw new KubeError(`${asked}: a line is no event`, { reason: 'Malformed' });
  const { type, object } = event;
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
    case 'BOOKMARK':
      return { type, object };
    case 'ERROR':
      throw statusError(asked, { status: 500, body: object }, now);
    default:
      throw new KubeError(`${asked}: an event of no known type`, { reason: 'Malformed' });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
