import { askChild, startChild } from './child.ts';
import type { DelayPorts } from './delay-process.ts';

/** Proxies in a process of their own. */
export type Delays = {
  /** The port that leads to a target. */
  readonly via: ReadonlyMap<number, number>;
  close(): void;
};

/** Puts every one of `targets`, ports on loopback, `delayMs` away. */
export async function startDelays(delayMs: number, targets: readonly number[]): Promise<Delays> {
  const child = startChild('delay-process.ts');
  try {
    const ports = await askChild<DelayPorts>(child, "the delay proxies' process", { delayMs, targets });
    return {
      via: new Map(targets.map((target, i) => [target, ports[i] as number])),
      close: () => child.disconnect(),
    };
  } catch (error) {
    if (child.connected) child.disconnect();
    throw error;
  }
}
