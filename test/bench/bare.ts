import { availableParallelism } from 'node:os';
import type { SchemeName } from '../../signer/scheme/scheme.ts';
import type { BareOrder, BareSlice } from './bare-process.ts';
import { askChild, startChild } from './child.ts';
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
  run(scheme: SchemeName, size: Size, seconds: number): Promise<readonly BareSlice[]>;
  close(): void;
};

export function startBare(): Bare {
  const children = Array.from({ length: availableParallelism() }, () => startChild('bare-process.ts'));
  return {
    run: (scheme, size, seconds) => {
      const order: BareOrder = { scheme, size, seconds };
      return Promise.all(children.map((child) => askChild<BareSlice>(child, "the bare library's process", order)));
    },
    close: () => {
      for (const child of children) child.disconnect();
    },
  };
}

/** Figures of slices, each of all processes, taken at different moments of one run. */
export function bareFigures(slices: readonly (readonly BareSlice[])[]): BareFigures {
  const all = slices.flat();
  const count = all.reduce((sum, each) => sum + each.count, 0);
  const ms = all.reduce((sum, each) => sum + each.ms, 0);
  const rates = slices.map((slice) => slice.reduce((sum, each) => sum + each.count / (each.ms / 1000), 0));
  return { ms: ms / count, perSecond: rates.reduce((a, b) => a + b, 0) / rates.length };
}
