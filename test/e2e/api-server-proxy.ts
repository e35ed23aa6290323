import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import type { ReadCredentials } from '../../operator/runtime/credentials.ts';

/** A way to the API server that can fail. TLS is between its ends. */
export class ApiServerProxy {
  readonly #open = new Set<Socket>();
  #silent = false;
  readonly #server = createServer((near) => {
    const { hostname, port } = this.#target;
    const far = connect(Number(port), hostname);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#open.add(socket);
      socket.on('data', (bytes) => this.#silent || other.write(bytes));
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#open.delete(socket);
        other.destroy();
      });
    }
  });
  readonly #target: URL;

  private constructor(target: URL) {
    this.#target = target;
  }

  static async start(target: URL): Promise<ApiServerProxy> {
    const proxy = new ApiServerProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** The same credentials, by this way. */
  through(read: ReadCredentials): ReadCredentials {
    const { port } = this.#server.address() as AddressInfo;
    // kind's servers have certificates for loopback.
    return async () => ({ ...(await read()), server: new URL(`https://127.0.0.1:${port}`) });
  }

  /** Breaks every connection; new ones work. */
  cut(): void {
    for (const socket of this.#open) socket.destroy();
  }

  /** From now on nothing that is sent arrives, on connections that stay. */
  silence(): void {
    this.#silent = true;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }
}
