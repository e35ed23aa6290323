import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { FrostScheme } from '../../signer/scheme/scheme.ts';
import type { BareOrder, BareSlice } from './bare-process.ts';
import type { Size } from './options.ts';

export type BareFigures = {
  /** Mean of one signature in one process. */
  readonly ms: number;
  /** Signatures a second of all processes together. */
  readonly perSecond: number;
};

/** The bare library on every core at once. */
export type Bare = {
  /** Runs for `seconds` on all cores; the result is not kept where it only warms up. */
  run(scheme: FrostScheme, size: Size, seconds: number): Promise<readonly BareSlice[]>;
  close(): void;
};

export function startBare(): Bare {
  const children = Array.from({ length: availableParallelism() }, () =>
    fork(join(import.meta.dirname, 'bare-process.ts'), { stdio: ['ignore', 2, 2, 'ipc'] }),
  );
  return {
    run: (scheme, size, seconds) => Promise.all(children.map((child) => slice(child, { scheme, size, seconds }))),
    close: () => {
      for (const child of children) child.disconnect();
    },
  };
}

async function slice(child: ChildProcess, order: BareOrder): Promise<BareSlice> {
  const ended = new AbortController();
  const reply = once(child, 'message', { signal: ended.signal });
  const exit = once(child, 'exit', { signal: ended.signal }).then(([code]) => {
    throw new Error(`the bare library's process ended with exit code ${code}`);
  });
  child.send(order);
  try {
    const [answer] = (await Promise.race([reply, exit])) as [BareSlice];
    return answer;
  } finally {
    exit.catch(() => {});
    ended.abort();
  }
}

/** Figures of slices, each of all processes, taken at different moments of one run. */
export function bareFigures(slices: readonly (readonly BareSlice[])[]): BareFigures {
  const all = slices.flat();
  const count = all.reduce((sum, each) => sum + each.count, 0);
  const ms = all.reduce((sum, each) => sum + each.ms, 0);
  const rates = slices.map((slice) => slice.reduce((sum, each) => sum + each.count / (each.ms / 1000), 0));
  return { ms: ms / count, perSecond: rates.reduce((a, b) => a + b, 0) / rates.length };
}
