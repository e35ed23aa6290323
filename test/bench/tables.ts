import type { Detail } from './measure.ts';

const steps = ['queue', 'policy', 'ledger', 'round', 'aggregate', 'verify', 'total'];
const heads = ['scheme', 'size', 'delay', 'in flight'];

/** Rates and latencies, then where the time goes, then what distance costs, for people. */
export function tables(details: readonly Detail[]): string {
  const rates = details.map(({ row, retries }) => [
    ...[row.scheme, `${row.t} of ${row.n}`, String(row.delayMs), String(row.inFlight), String(row.count)],
    ...[row.perSecond, row.best, row.p50, row.p95, row.p99, row.bareMs].map((ms) => ms.toFixed(1)),
    ...[row.ratio.toFixed(2), String(retries)],
  ]);
  const times = details.map(({ row, steps: spent }) => [
    ...[row.scheme, `${row.t} of ${row.n}`, String(row.delayMs), String(row.inFlight)],
    ...steps.map((step) => spent[step]?.toFixed(2) ?? '-'),
  ]);
  const columns = ['count', 'per s', 'best', 'p50', 'p95', 'p99', 'bare', 'ratio', 'asked again'];
  return [
    'whole signings as the client saw them, ms; delay: one way between signers; bare: mean of one signature by the',
    'library alone; ratio: to its rate on all cores',
    aligned([[...heads, ...columns], ...rates]),
    '',
    'median ms by step, as the coordinator saw it',
    aligned([[...heads, ...steps], ...times]),
    ...distance(details),
  ].join('\n');
}

/** What each delay adds to the same without one; nothing where there is nothing to compare. */
function distance(details: readonly Detail[]): readonly string[] {
  const rows = details.flatMap(({ row, steps: spent }) => {
    const near = details.find(
      ({ row: other }) =>
        other.delayMs === 0 &&
        (['scheme', 't', 'n', 'inFlight'] as const).every((member) => other[member] === row[member]),
    );
    if (near === undefined || row.delayMs === 0) return [];
    const [best, p50] = [row.best - near.row.best, row.p50 - near.row.p50];
    const total = (spent['total'] ?? 0) - (near.steps['total'] ?? 0);
    // With more in flight they wait for one another, not for the way.
    const roundTrips = row.inFlight === 1 ? (best / (2 * row.delayMs)).toFixed(2) : '-';
    return [
      [
        ...[row.scheme, `${row.t} of ${row.n}`, String(row.delayMs), String(row.inFlight)],
        ...[best, p50, total].map((ms) => ms.toFixed(1)),
        roundTrips,
      ],
    ];
  });
  if (rows.length === 0) return [];
  return [
    '',
    "ms that the delay adds: to the best and the median of whole signings, to the median of the coordinator's total; and",
    'how many round trips between signers the first of these is',
    aligned([[...heads, 'best', 'p50', 'total', 'round trips'], ...rows]),
  ];
}

/** Columns as wide as their widest cell: the first `words` to the left, figures to the right. */
export function aligned(rows: readonly (readonly string[])[], words = 2): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row.map((cell, i) => (i < words ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
    )
    .join('\n');
}
