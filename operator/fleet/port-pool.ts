import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Ports } from './process-record.ts';

/** Below the range from which systems take ports for outgoing connections, which could sit on one while its signer restarts. */
const FIRST = 20_000;
const END = 32_768;
const ATTEMPTS = 200;

/** Loopback ports for signers, none given twice by one pool. */
export class PortPool {
  readonly #taken = new Set<number>();

  /** Ports of a signer that has its already. */
  keep({ sign, peer, metrics }: Ports): void {
    for (const port of [sign, peer, metrics]) this.#taken.add(port);
  }

  release({ sign, peer, metrics }: Ports): void {
    for (const port of [sign, peer, metrics]) this.#taken.delete(port);
  }

  /** Three that nobody listens on now. Somebody may before the signer does: then it exits, and is given others. */
  async choose(): Promise<Ports> {
    return { sign: await this.#one(), peer: await this.#one(), metrics: await this.#one() };
  }

  async #one(): Promise<number> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const port = randomInt(FIRST, END);
      if (this.#taken.has(port)) continue;
      this.#taken.add(port);
      if (await isFree(port)) return port;
      this.#taken.delete(port);
    }
    throw new Error(`found no free port from ${FIRST} to ${END - 1} on 127.0.0.1`);
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ host: '127.0.0.1', port, exclusive: true });
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
