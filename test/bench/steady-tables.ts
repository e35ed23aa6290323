import type { SteadyRow, SteadySummary } from './steady-row.ts';
import { megabytes } from './steady-summary.ts';
import { aligned } from './tables.ts';

/** Heads of {@link steadyLine}'s columns, with what they mean. */
export const steadyHead = ({ signers, schemes, t, n, inFlight, delayMs }: SteadyRow): string =>
  [
    `${schemes.join(' and ')}, ${t} of ${n}, ${inFlight} in flight, signers ${delayMs} ms apart; resident memory in MB, most in the minute;`,
    'answers: longest wait for /healthz, ms; state: database + write-ahead log, MB',
    ...(signers.length > 1
      ? [`signers in this order: ${signers.map(({ name }) => name).join(', ')}; then the client`]
      : []),
    columns.map(([head, width]) => head.padStart(width)).join('  '),
  ].join('\n');

const columns = [
  ['minute', 6],
  ['count', 6],
  ['per s', 6],
  ['p50', 7],
  ['p95', 7],
  ['p99', 7],
  ['again', 5],
  ['memory', 20],
  ['answers', 20],
  ['state', 20],
] as const;

/** One minute in one line, printed as it ends. */
export function steadyLine({ signers, client, ...row }: SteadyRow): string {
  const cells = [
    String(row.minute),
    String(row.count),
    ...[row.perSecond, row.p50, row.p95, row.p99].map((figure) => figure.toFixed(1)),
    String(row.askedAgain),
    [...signers.map(({ mostRssBytes }) => megabytes(mostRssBytes)), megabytes(client.rssBytes)].join(' '),
    [...signers.map(({ mostAnswerMs }) => mostAnswerMs.toFixed(0)), client.loopDelayMs.toFixed(0)].join(' '),
    signers.map(({ databaseBytes, walBytes }) => `${megabytes(databaseBytes)}+${megabytes(walBytes)}`).join(' '),
  ];
  return cells.map((cell, i) => cell.padStart(columns[i]?.[1] ?? 0)).join('  ');
}

/** What became of it over the minutes. */
export function steadyEnd({ minutes, perSecondRatio, p50Ratio, p95Ratio, p99Ratio, memory }: SteadySummary): string {
  const signed = (bytes: number): string => `${bytes < 0 ? '' : '+'}${(bytes / 1e6).toFixed(1)}`;
  const ratios = [perSecondRatio, p50Ratio, p95Ratio, p99Ratio].map((ratio) => ratio.toFixed(2));
  return [
    '',
    `minute ${minutes} to minute 1: per s ${ratios[0]}, p50 ${ratios[1]}, p95 ${ratios[2]}, p99 ${ratios[3]}`,
    'resident memory, MB; growth: from the end of minute 1; an hour: slope over the second half of the minutes',
    aligned(
      [
        ['process', 'most', 'growth', 'an hour'],
        ...memory.map(({ name, mostRssBytes, grownBytes, bytesPerHour }) => [
          name,
          megabytes(mostRssBytes),
          signed(grownBytes),
          signed(bytesPerHour),
        ]),
      ],
      1,
    ),
  ].join('\n');
}
