import type { Detail } from './measure.ts';

const steps = ['queue', 'policy', 'ledger', 'round', 'aggregate', 'verify', 'total'];

/** Rates and latencies, then where the time goes, for people. */
export function tables(details: readonly Detail[]): string {
  const rates = details.map(({ row, retries }) => [
    ...[row.scheme, `${row.t} of ${row.n}`, String(row.inFlight), String(row.count), row.perSecond.toFixed(1)],
    ...[row.best, row.p50, row.p95, row.p99, row.bareMs].map((ms) => ms.toFixed(1)),
    ...[row.ratio.toFixed(2), String(retries)],
  ]);
  const times = details.map(({ row, steps: spent }) => [
    ...[row.scheme, `${row.t} of ${row.n}`, String(row.inFlight)],
    ...steps.map((step) => spent[step]?.toFixed(2) ?? '-'),
  ]);
  const heads = [
    'scheme',
    'size',
    'in flight',
    'count',
    'per s',
    'best',
    'p50',
    'p95',
    'p99',
    'bare',
    'ratio',
    'asked again',
  ];
  return [
    'whole signings, ms; bare: mean of one signature by the library alone; ratio: to its rate on all cores',
    aligned([heads, ...rates]),
    '',
    'median ms by step, as the coordinator saw it',
    aligned([['scheme', 'size', 'in flight', ...steps], ...times]),
  ].join('\n');
}

/** Columns as wide as their widest cell: words to the left, figures to the right. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
    )
    .join('\n');
}
