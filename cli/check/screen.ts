import type { Session } from '../session.ts';
import { wrap } from '../wrap.ts';
import { counted } from './counted.ts';
import { countLevels, levels } from './finding.ts';
import type { Finding, Group, Level } from './finding.ts';

type Paint = Session['paint'];

const styles = { ok: 'green', note: 'dim', warning: 'yellow', error: 'red' } as const satisfies Readonly<
  Record<Level, string>
>;
const indent = 2;
/** Where what is said begins, behind the longest level. */
const column = indent + Math.max(...levels.map((level) => level.length)) + 2;

/** Findings for a terminal of 80 columns: what was found, what to do, and where documents say more. */
export const screen = (groups: readonly Group[], paint: Paint): readonly string[] => [
  ...groups
    .filter(({ findings }) => findings.length > 0)
    .flatMap(({ title, findings }) => [
      paint('bold', title),
      ...findings.flatMap((finding) => linesOf(finding, paint)),
      '',
    ]),
  summary(groups),
];

function linesOf(finding: Finding, paint: Paint): readonly string[] {
  const { level, what } = finding;
  const head = `${' '.repeat(indent)}${paint(styles[level], level)}${' '.repeat(column - indent - level.length)}`;
  const lines = wrap(`${head}${what}`, column);
  if (finding.level === 'ok') return lines;
  const more = ' '.repeat(column);
  return [
    ...lines,
    ...wrap(`${more}-> ${finding.mend}`, column + 3),
    // In one line however long it is, so that a shell takes it.
    ...(finding.run === undefined ? [] : [`${more}   ${finding.run}`]),
    `${more}   ${paint('dim', finding.docs)}`,
  ];
}

function summary(groups: readonly Group[]): string {
  const counts = countLevels(groups);
  const said = (['error', 'warning', 'note'] as const)
    .filter((level) => counts[level] > 0)
    .map((level) => counted(counts[level], level));
  return [`${counts.ok} ok`, ...said].join(', ');
}
