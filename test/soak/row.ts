/** A line of the table. */
export type Row = {
  readonly harness: 'simulation' | 'engines' | 'processes';
  readonly scenario: string;
  runs: number;
  /** Faults injected, by kind. */
  readonly faults: Record<string, number>;
  requests: number;
  signed: number;
  refused: number;
  mayExist: number;
  violations: number;
  /** Checks left out, since no quorum was left to make them with. */
  skipped: number;
  seconds: number;
};

export const newRow = (harness: Row['harness'], scenario: string): Row => ({
  harness,
  scenario,
  runs: 0,
  faults: {},
  requests: 0,
  signed: 0,
  refused: 0,
  mayExist: 0,
  violations: 0,
  skipped: 0,
  seconds: 0,
});

/** The table, and under it which faults there were. */
export function formatTable(rows: readonly Row[]): string {
  const sum = (faults: Row['faults']): number => Object.values(faults).reduce((a, b) => a + b, 0);
  const lines = [
    [
      'harness',
      'scenario',
      'runs',
      'faults',
      'requests',
      'signed',
      'refused',
      'may exist',
      'violations',
      'skipped',
      'seconds',
    ],
    ...rows.map((r) => [
      r.harness,
      r.scenario,
      ...[
        r.runs,
        sum(r.faults),
        r.requests,
        r.signed,
        r.refused,
        r.mayExist,
        r.violations,
        r.skipped,
        Math.round(r.seconds),
      ].map(String),
    ]),
  ];
  const widths = lines[0]?.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0))) ?? [];
  const table = lines.map((line) =>
    line.map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
  );
  const kinds = new Map<string, number>();
  for (const { faults } of rows)
    for (const [kind, count] of Object.entries(faults)) kinds.set(kind, (kinds.get(kind) ?? 0) + count);
  const injected = [...kinds].map(([kind, count]) => `${kind} ${count}`).join(', ');
  return [...table, '', `faults: ${injected}`].join('\n');
}
