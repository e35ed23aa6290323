/** One of the processes that measure the bare library, one a core: does as its parent says until that ends. */
import type { SchemeName } from '../../signer/scheme/scheme.ts';
import { loadAddon } from '../../signer/native/addon.ts';
import { bareEcdsaSigning } from './bare-ecdsa-signing.ts';
import { bareNativeSigning } from './bare-native-signing.ts';
import { bareSigning } from './bare-signing.ts';
import type { Size } from './options.ts';

export type BareOrder = { readonly scheme: SchemeName; readonly size: Size; readonly seconds: number };
export type BareSlice = { readonly count: number; readonly ms: number };

const { addon } = loadAddon();
const signings = new Map<string, () => Promise<void>>();

async function prepare(scheme: SchemeName, size: Size): Promise<() => Promise<void>> {
  if (addon !== undefined)
    return scheme === 'ECDSA' ? bareEcdsaSigning(size, addon) : bareNativeSigning(scheme, size, addon);
  if (scheme === 'ECDSA') throw new Error('ECDSA needs the addon');
  const sign = bareSigning(scheme, size);
  return async () => sign();
}

async function measure({ scheme, size, seconds }: BareOrder): Promise<BareSlice> {
  const name = `${scheme} ${size.t} ${size.n}`;
  const sign = signings.get(name) ?? (await prepare(scheme, size));
  signings.set(name, sign);
  const start = performance.now();
  let [count, ms] = [0, 0];
  while (ms < seconds * 1000) {
    await sign();
    count++;
    ms = performance.now() - start;
  }
  return { count, ms };
}

process.on('message', (order: BareOrder) => {
  void measure(order).then((slice) => process.send?.(slice));
});
process.on('disconnect', () => process.exit(0));
