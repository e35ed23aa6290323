import http from 'node:http';
import https from 'node:https';
import type { Credentials } from './credentials.ts';

const mostRequestConnections = 16;
/** Keep-alive probes begin after so long, below the idle limits of common load balancers. Milliseconds. */
const keepAliveMs = 30_000;

export type Agents = {
  /** Connections that requests share, each used for many. */
  readonly requests: http.Agent;
  /** One connection for each watch, never used again: a broken one must not meet its successor. */
  readonly watches: http.Agent;
};

/**
 * The connections to one API server. Requests wait for one of a few; watches, which each hold one for minutes, have
 * their own, so that no number of them can starve requests. Made anew when certificates change.
 */
export class ConnectionPool {
  #last: Credentials | undefined;
  #key = '';
  #agents: Agents | undefined;

  of(credentials: Credentials): Agents {
    if (this.#agents && credentials === this.#last) return this.#agents;
    this.#last = credentials;
    const { server, tls } = credentials;
    const key = JSON.stringify([server.origin, tls]);
    if (this.#agents && key === this.#key) return this.#agents;
    this.#endIdle();
    this.#key = key;
    const { Agent } = server.protocol === 'http:' ? http : https;
    this.#agents = {
      requests: new Agent({
        ...tls,
        keepAlive: true,
        keepAliveMsecs: keepAliveMs,
        maxSockets: mostRequestConnections,
        scheduling: 'lifo',
      }),
      watches: new Agent({ ...tls, keepAlive: false }),
    };
    return this.#agents;
  }

  /** Ends every connection, and with it what is under way. */
  close(): void {
    this.#agents?.requests.destroy();
    this.#agents?.watches.destroy();
    this.#agents = undefined;
  }

  /** What is under way with old certificates may end by itself. */
  #endIdle(): void {
    for (const sockets of Object.values(this.#agents?.requests.freeSockets ?? {}))
      for (const socket of sockets ?? []) socket.destroy();
  }
}
