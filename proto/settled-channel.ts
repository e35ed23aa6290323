import { connectivityState } from '@grpc/grpc-js';
import type { Channel } from '@grpc/grpc-js';

/**
 * Has a gRPC channel connect. Resolves with true once it is connected or could not be, of which a call says more, and with
 * false where it is still at it in `ms` milliseconds, or when `signal` aborts: where packets are lost, as to the address of
 * a pod that is gone, that is for minutes.
 */
export async function settledChannel(
  channel: Pick<Channel, 'getConnectivityState' | 'watchConnectivityState'>,
  ms: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const until = Date.now() + ms;
  for (;;) {
    const state = channel.getConnectivityState(true);
    if (state !== connectivityState.IDLE && state !== connectivityState.CONNECTING) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const abort = (): void => resolve(false);
    signal?.addEventListener('abort', abort, { once: true });
    channel.watchConnectivityState(state, until, (error) => resolve(error === undefined));
    const changed = await promise;
    signal?.removeEventListener('abort', abort);
    if (!changed) return false;
  }
}
