import { statSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { SchemeName } from '../../signer/scheme/scheme.ts';
import type { BenchWallet, Payment } from './bench-wallet.ts';
import { askChild, startChild } from './child.ts';
import { closedLoop } from './closed-loop.ts';
import type { BenchOptions, Case } from './options.ts';
import { percentiles } from './percentiles.ts';
import type { Probed, ProbeOrder } from './probe-process.ts';
import { rounded } from './rounded.ts';
import type { SteadyRow, SteadySigner } from './steady-row.ts';
import { windowedLoop, type Window } from './windowed-loop.ts';

/** Pays for minutes on end, as many payments in flight as `options` says, and gives a row a minute. */
export async function steady(
  of: Case,
  wallet: BenchWallet,
  minutes: number,
  options: Pick<BenchOptions, 'schemes' | 'inFlight' | 'warmUpSeconds'>,
  onRow: (row: SteadyRow) => void,
): Promise<readonly SteadyRow[]> {
  const { schemes, warmUpSeconds } = options;
  const [inFlight = 1] = options.inFlight;
  const rows: SteadyRow[] = [];
  let payments = 0;
  const pay = (): Promise<Payment> => wallet.pay(schemes[payments++ % schemes.length] as SchemeName);
  await closedLoop(inFlight, warmUpSeconds, pay);
  const probe = startChild('probe-process.ts');
  const ask = (order: ProbeOrder): Promise<readonly Probed[]> => askChild(probe, 'the probe', order);
  const late = monitorEventLoopDelay();
  late.enable();
  try {
    await ask({ kind: 'watch', signers: wallet.signers.map(({ pid, metricsPort }) => ({ pid, metricsPort })) });
    await windowedLoop({ inFlight, windows: minutes, windowMs: 60_000 }, pay, async (window) => {
      const loopDelayMs = late.percentile(99) / 1e6;
      late.reset();
      const probed = await ask({ kind: 'tell' });
      const { rss, heapUsed } = process.memoryUsage();
      const signers = wallet.signers.map(({ name, folder }, i): SteadySigner => {
        const { answerMs, mostAnswerMs, ...resident } = probed[i] as Probed;
        const sizes = stateSizes(folder);
        return { name, ...resident, answerMs: rounded(answerMs), mostAnswerMs: rounded(mostAnswerMs), ...sizes };
      });
      const client = { rssBytes: rss, heapBytes: heapUsed, loopDelayMs: rounded(loopDelayMs) };
      const row = { ...rowOf(window, schemes, of, inFlight), signers, client };
      rows.push(row);
      onRow(row);
    });
    return rows;
  } finally {
    late.disable();
    if (probe.connected) probe.disconnect();
  }
}

function rowOf(
  { number, seconds, calls }: Window<Payment>,
  schemes: readonly SchemeName[],
  { t, n, delayMs }: Case,
  inFlight: number,
): Omit<SteadyRow, 'signers' | 'client'> {
  if (calls.length === 0) throw new Error(`minute ${number}: no payment ended`);
  const { p50, p95, p99 } = percentiles(calls.map(({ ms }) => ms));
  return {
    minute: number,
    schemes,
    t,
    n,
    inFlight,
    delayMs,
    count: calls.length,
    perSecond: rounded(calls.length / seconds),
    p50: rounded(p50),
    p95: rounded(p95),
    p99: rounded(p99),
    askedAgain: calls.reduce((sum, { result }) => sum + result.retries, 0),
  };
}

function stateSizes(folder: string): Pick<SteadySigner, 'databaseBytes' | 'walBytes'> {
  const size = (file: string): number => statSync(join(folder, 'data', file), { throwIfNoEntry: false })?.size ?? 0;
  return { databaseBytes: size('state.db'), walBytes: size('state.db-wal') };
}
