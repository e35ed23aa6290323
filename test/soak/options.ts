import { parseArgs } from 'node:util';
import { scenarios } from './scenarios.ts';

export type SoakOptions = {
  readonly seed: number;
  readonly parts: readonly Part[];
  /** Schedules of each simulated scenario. */
  readonly schedules: number;
  /** Of simulated scenarios only those of this name; all when empty. */
  readonly scenario: string;
};
const parts = ['simulation'] as const;
export type Part = (typeof parts)[number];

export const usage = `npm run soak -- [--seed N] [--quick] [--only ${parts.join('|')}] [--scenario NAME] [--runs N]

  --seed N         begins with seed N; the same one repeats a run
  --quick          a run of at most 15 minutes
  --only PART      that part alone: ${parts.join(', ')}
  --scenario NAME  that simulated scenario alone: ${scenarios.map((s) => `"${s.name}"`).join(', ')}
  --runs N         N schedules of each simulated scenario
`;

const ALL = 100_000;
const QUICK = 14_000;

/** What the command line asks for; throws, saying what is wrong, on what is none. */
export function parseOptions(args: readonly string[], anySeed: () => number): SoakOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string' },
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      scenario: { type: 'string', default: '' },
      runs: { type: 'string' },
    },
  });
  const { only, scenario } = values;
  if (only !== undefined && !parts.includes(only as Part))
    throw new Error(`--only ${only}: want one of ${parts.join(', ')}`);
  if (scenario !== '' && scenarios.every((s) => s.name !== scenario))
    throw new Error(`--scenario ${scenario}: want one of ${scenarios.map((s) => s.name).join(', ')}`);
  return {
    seed: values.seed === undefined ? anySeed() : whole('--seed', values.seed, 2 ** 32 - 1),
    parts: only === undefined ? parts : [only as Part],
    schedules:
      values.runs === undefined
        ? Math.ceil((values.quick ? QUICK : ALL) / scenarios.length)
        : whole('--runs', values.runs, 10_000_000),
    scenario,
  };
}

function whole(name: string, text: string, most: number): number {
  if (!/^\d{1,10}$/.test(text) || Number(text) > most)
    throw new Error(`${name} ${text}: want a whole number of at most ${most}`);
  return Number(text);
}
