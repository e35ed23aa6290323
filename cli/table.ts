/** Rows under upper-case heads in aligned columns, three spaces apart, as kubectl prints them. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const cells = [heads.map((head) => head.toUpperCase()), ...rows];
  const widths = heads.map((_, i) => Math.max(...cells.map((row) => width(row[i] ?? ''))));
  return cells.map((row) =>
    row
      .map((cell, i) => cell + ' '.repeat((widths[i] ?? 0) - width(cell)))
      .join('   ')
      .trimEnd(),
  );
}

/** The columns that text takes: styles take none. */
// oxlint-disable-next-line no-control-regex
export const width = (cell: string): number => cell.replaceAll(/\u001B\[[0-9;]*m/g, '').length;
