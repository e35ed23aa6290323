import { parseArgs } from 'node:util';
import { restoring, scenarios } from './scenarios.ts';

export type SoakOptions = {
  readonly seed: number;
  readonly parts: readonly Part[];
  /** Schedules of each simulated scenario. */
  readonly schedules: number;
  /** Of simulated scenarios only those of this name; all when empty. */
  readonly scenario: string;
  /** Rounds of each kind with real processes. */
  readonly counts: {
    readonly keygenKills: number;
    readonly signingKills: number;
    readonly stops: number;
    readonly floods: number;
  };
};
const parts = ['simulation', 'processes'] as const;
export type Part = (typeof parts)[number];

export const usage = `npm run soak -- [--seed N] [--quick] [--only ${parts.join('|')}] [--scenario NAME] [--runs N]

  --seed N         begins with seed N; the same one repeats a run
  --quick          a run of at most 15 minutes
  --only PART      that part alone: ${parts.join(', ')}
  --scenario NAME  that simulated scenario alone: ${scenarios.map((s) => `"${s.name}"`).join(', ')}
  --runs N         N schedules of each simulated scenario
  --keygen-kills N, --signing-kills N, --stops N, --floods N
                   so many rounds with real processes
`;

const ALL = 100_000;
const QUICK = 14_000;
const ALL_ROUNDS = { keygenKills: 500, signingKills: 3_000, stops: 100, floods: 20 };
const QUICK_ROUNDS = { keygenKills: 40, signingKills: 150, stops: 20, floods: 2 };

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
      'keygen-kills': { type: 'string' },
      'signing-kills': { type: 'string' },
      stops: { type: 'string' },
      floods: { type: 'string' },
    },
  });
  const { only, scenario } = values;
  if (only !== undefined && !parts.includes(only as Part))
    throw new Error(`--only ${only}: want one of ${parts.join(', ')}`);
  if (scenario !== '' && [...scenarios, ...restoring].every((s) => s.name !== scenario))
    throw new Error(`--scenario ${scenario}: want one of ${scenarios.map((s) => s.name).join(', ')}`);
  const rounds = values.quick ? QUICK_ROUNDS : ALL_ROUNDS;
  const count = (name: 'keygen-kills' | 'signing-kills' | 'stops' | 'floods', otherwise: number): number =>
    values[name] === undefined ? otherwise : whole(`--${name}`, values[name], 1_000_000);
  return {
    seed: values.seed === undefined ? anySeed() : whole('--seed', values.seed, 2 ** 32 - 1),
    parts: only === undefined ? parts : [only as Part],
    schedules:
      values.runs === undefined
        ? Math.ceil((values.quick ? QUICK : ALL) / scenarios.length)
        : whole('--runs', values.runs, 10_000_000),
    scenario,
    counts: {
      keygenKills: count('keygen-kills', rounds.keygenKills),
      signingKills: count('signing-kills', rounds.signingKills),
      stops: count('stops', rounds.stops),
      floods: count('floods', rounds.floods),
    },
  };
}

function whole(name: string, text: string, most: number): number {
  if (!/^\d{1,10}$/.test(text) || Number(text) > most)
    throw new Error(`${name} ${text}: want a whole number of at most ${most}`);
  return Number(text);
}
