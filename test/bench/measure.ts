import type { Engine, SchemeName } from '../../signer/scheme/scheme.ts';
import { bareFigures, type Bare, type BareFigures } from './bare.ts';
import type { BareSlice } from './bare-process.ts';
import type { BenchWallet, Payment } from './bench-wallet.ts';
import { closedLoop, type Measured } from './closed-loop.ts';
import type { BenchOptions, Case } from './options.ts';
import { median, percentiles } from './percentiles.ts';
import { rounded } from './rounded.ts';
import type { Row } from './row.ts';

/** A row with what only people read. */
export type Detail = {
  readonly row: Row;
  /** Median milliseconds by step of DESIGN.md 6, and `total` as the coordinator saw it. */
  readonly steps: Readonly<Record<string, number>>;
  readonly retries: number;
};

/**
 * Measures one scheme in one case: the wallet at each number in flight, and between these the bare library, so that both
 * meet the machine in the same minutes.
 */
export async function measure(
  scheme: SchemeName,
  of: Case,
  wallet: BenchWallet,
  bare: Bare,
  options: BenchOptions & {
    readonly engine: Engine;
    readonly fsyncMs: number;
    readonly progress: (text: string) => void;
  },
): Promise<readonly Detail[]> {
  const { inFlight, seconds, warmUpSeconds, progress } = options;
  const size = { t: of.t, n: of.n };
  progress(`${scheme}: warming up`);
  await closedLoop(16, warmUpSeconds, () => wallet.pay(scheme));
  await bare.run(scheme, size, 1);
  const slices: (readonly BareSlice[])[] = [await bare.run(scheme, size, 2)];
  const measured: { readonly inFlight: number; readonly payments: Measured<Payment> }[] = [];
  for (const each of inFlight) {
    progress(`${scheme}: ${each} in flight for ${seconds} s`);
    measured.push({ inFlight: each, payments: await closedLoop(each, seconds, () => wallet.pay(scheme)) });
    slices.push(await bare.run(scheme, size, 2));
  }
  const figures = bareFigures(slices);
  return measured.map((each) => detail(scheme, of, each, figures, options));
}

function detail(
  scheme: SchemeName,
  { t, n, delayMs }: Case,
  { inFlight, payments }: { readonly inFlight: number; readonly payments: Measured<Payment> },
  bare: BareFigures,
  { engine, fsyncMs }: { readonly engine: Engine; readonly fsyncMs: number },
): Detail {
  const { calls, perSecond } = payments;
  const { best, p50, p95, p99 } = percentiles(calls.map(({ ms }) => ms));
  const names = [...new Set(calls.flatMap(({ result }) => Object.keys(result.durations)))];
  return {
    row: {
      scheme,
      engine: scheme === 'ECDSA' ? 'dkls23' : engine,
      t,
      n,
      inFlight,
      delayMs,
      count: calls.length,
      perSecond: rounded(perSecond),
      best: rounded(best),
      p50: rounded(p50),
      p95: rounded(p95),
      p99: rounded(p99),
      bareMs: rounded(bare.ms),
      ratio: rounded(perSecond / bare.perSecond),
      fsyncMs: rounded(fsyncMs),
    },
    steps: Object.fromEntries(
      names.map((step) => [step, rounded(median(calls.flatMap(({ result }) => result.durations[step] ?? [])))]),
    ),
    retries: calls.reduce((sum, { result }) => sum + result.retries, 0),
  };
}
