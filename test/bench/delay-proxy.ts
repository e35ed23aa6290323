import { once } from 'node:events';
import { createServer, Socket, type AddressInfo } from 'node:net';
import type { Clock } from '../../common/clock.ts';
import { DelayLine } from './delay-line.ts';

/** A port on loopback that leads to another one, `delayMs` away in either direction. */
export type DelayProxy = { readonly port: number; close(): Promise<void> };

/** Bytes that a receiver may leave unread before its sender is held up; a link's own windows are smaller. */
const BUFFER_BYTES = 16 << 20;

const buffers = { allowHalfOpen: true, readableHighWaterMark: 256 << 10, writableHighWaterMark: BUFFER_BYTES };

/** What goes one way: bytes, the end of the stream, or word that the connection broke. */
type Sent = Uint8Array | 'end' | 'reset';

/**
 * Carries TCP connections to `target` on loopback with everything that is sent arriving `delayMs` later, the end of a
 * direction and broken connections too. Bytes pass as they are, so TLS is between the ends and not with the proxy. Only
 * TCP's own handshake takes no time.
 */
export async function startDelayProxy(target: number, delayMs: number, clock: Clock): Promise<DelayProxy> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, highWaterMark: BUFFER_BYTES, noDelay: true }, (near) => {
    const far = new Socket(buffers);
    far.setNoDelay(true);
    const there = direction(near, far, delayMs, clock);
    const back = direction(far, near, delayMs, clock);
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
    }
    // One that is gone takes nothing more.
    near.on('close', () => back.clear());
    far.on('close', () => there.clear());
    far.connect(target, '127.0.0.1');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

/** Sends on to `to` what comes from `from`. */
function direction(from: Socket, to: Socket, delayMs: number, clock: Clock): DelayLine<Sent> {
  const line = new DelayLine<Sent>(clock, delayMs, (sent) => {
    if (to.destroyed) return;
    if (sent === 'end') to.end();
    else if (sent === 'reset') to.resetAndDestroy();
    else if (!to.write(sent)) from.pause();
  });
  let ended = false;
  from.on('data', (bytes: Buffer) => line.push(bytes));
  to.on('drain', () => from.resume());
  from.on('end', () => {
    ended = true;
    line.push('end');
  });
  // Followed by its `close`, which says the same of one that was destroyed without an error.
  from.on('error', () => {});
  from.on('close', (broken) => {
    if (broken || !ended) line.push('reset');
  });
  return line;
}
