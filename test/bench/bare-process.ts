/** One of the processes that measure the bare library, one a core: does as its parent says until that ends. */
import type { FrostScheme } from '../../signer/scheme/scheme.ts';
import { bareSigning } from './bare-signing.ts';
import type { Size } from './options.ts';

export type BareOrder = { readonly scheme: FrostScheme; readonly size: Size; readonly seconds: number };
export type BareSlice = { readonly count: number; readonly ms: number };

const signings = new Map<string, () => void>();

process.on('message', ({ scheme, size, seconds }: BareOrder) => {
  const name = `${scheme} ${size.t} ${size.n}`;
  const sign = signings.get(name) ?? bareSigning(scheme, size);
  signings.set(name, sign);
  const start = performance.now();
  let [count, ms] = [0, 0];
  while (ms < seconds * 1000) {
    sign();
    count++;
    ms = performance.now() - start;
  }
  process.send?.({ count, ms } satisfies BareSlice);
});
process.on('disconnect', () => process.exit(0));
