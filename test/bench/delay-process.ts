/** The process of the delay proxies, apart from whatever works: one that is busy would delay more than it was told. */
import { systemClock } from '../../common/clock.ts';
import { startDelayProxy } from './delay-proxy.ts';

export type DelayOrder = { readonly delayMs: number; readonly targets: readonly number[] };
/** The ports that lead to the targets, in their order. */
export type DelayPorts = readonly number[];

async function start({ delayMs, targets }: DelayOrder): Promise<void> {
  const proxies = await Promise.all(targets.map((target) => startDelayProxy(target, delayMs, systemClock)));
  process.send?.(proxies.map(({ port }) => port) satisfies DelayPorts);
}

// What goes wrong ends the process, which the parent is told.
process.once('message', (order: DelayOrder) => void start(order));
process.on('disconnect', () => process.exit(0));
