import { rounded } from './rounded.ts';
import type { Growth, SteadyRow, SteadySummary } from './steady-row.ts';

const minutesPerHour = 60;
const theClient = 'the client';
/** What a signer may hold under load. Bytes. */
const mostResident = 250e6;
/** Growth within this is none. */
const flatPerHour = 10e6;
/** Over fewer minutes a slope is mostly noise. */
const minutesForSlope = 30;
/** Between two minutes of one machine, which may do other things too. */
const flatRatio = 1.25;

/** What became of latency and memory over the minutes; two or more. */
export function steadySummary(rows: readonly SteadyRow[]): SteadySummary {
  const [first, last] = [rows[0], rows.at(-1)];
  if (first === undefined || last === undefined || first === last)
    throw new Error(`want two minutes or more, got ${rows.length}`);
  const names = last.signers.map(({ name }) => name);
  return {
    minutes: rows.length,
    perSecondRatio: rounded(last.perSecond / first.perSecond),
    p50Ratio: rounded(last.p50 / first.p50),
    p95Ratio: rounded(last.p95 / first.p95),
    p99Ratio: rounded(last.p99 / first.p99),
    memory: [
      ...names.map((name) => {
        const own = rows.flatMap(({ signers }) => signers.filter((signer) => signer.name === name));
        return growth(
          name,
          own.map(({ rssBytes }) => rssBytes),
          own.map(({ mostRssBytes }) => mostRssBytes),
        );
      }),
      growth(
        theClient,
        rows.map(({ client }) => client.rssBytes),
        rows.map(({ client }) => client.rssBytes),
      ),
    ],
  };
}

function growth(name: string, resident: readonly number[], most: readonly number[]): Growth {
  const half = resident.slice(-Math.max(2, Math.ceil(resident.length / 2)));
  return {
    name,
    mostRssBytes: Math.max(...most),
    grownBytes: (resident.at(-1) ?? 0) - (resident[0] ?? 0),
    bytesPerHour: Math.round(slope(half) * minutesPerHour),
  };
}

/** Of the straight line through values at 0, 1, 2, ... that is nearest by least squares. */
export function slope(values: readonly number[]): number {
  const mean = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0) / numbers.length;
  const [middle, height] = [(values.length - 1) / 2, mean(values)];
  const rise = values.reduce((sum, value, i) => sum + (i - middle) * (value - height), 0);
  const run = values.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
  return rise / run;
}

/** What is missed, in words: resident memory of a signer, and that it and latency are flat. */
export function missedSteady({ minutes, p50Ratio, memory }: SteadySummary): readonly string[] {
  const signers = memory.filter(({ name }) => name !== theClient);
  return [
    ...signers
      .filter(({ mostRssBytes }) => mostRssBytes >= mostResident)
      .map(
        ({ name, mostRssBytes }) =>
          `${name}: ${megabytes(mostRssBytes)} MB resident, want under ${megabytes(mostResident)}`,
      ),
    ...signers
      .filter(({ bytesPerHour }) => minutes >= minutesForSlope && bytesPerHour > flatPerHour)
      .map(
        ({ name, bytesPerHour }) =>
          `${name}: grows by ${megabytes(bytesPerHour)} MB an hour, want at most ${megabytes(flatPerHour)}`,
      ),
    ...(p50Ratio > flatRatio
      ? [`p50: the last minute's is ${p50Ratio} of the first one's, want at most ${flatRatio}`]
      : []),
  ];
}

export const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
