import { parseArgs } from 'node:util';
import { scenarios } from './scenarios.ts';

/** What happens to wallets of real processes, and how often in a whole run and in a quick one. */
const rounds = {
  'keygen-kills': [500, 40],
  'signing-kills': [3_000, 150],
  stops: [100, 20],
  'slow-peers': [100, 10],
  'slow-tokens': [60, 6],
  'full-disks': [100, 10],
  'read-only-disks': [100, 10],
  floods: [20, 2],
  'invalid-floods': [20, 2],
} as const;
export type ProcessKind = keyof typeof rounds;

/** What engines go through, and how often in a whole run and in a quick one: by the addon, others less often. */
const engineRuns = {
  'flipped-signings': [10_000, 600],
  'flipped-keygens': [200, 10],
  'parallel-signings': [500, 20],
  'ended-signings': [1_000, 60],
  'ended-keygens': [60, 3],
  signatures: [100_000, 5_000],
} as const;
export type EngineKind = keyof typeof engineRuns;

const counted = { ...rounds, ...engineRuns };
type Kind = keyof typeof counted;
const kinds = Object.keys(counted) as Kind[];

export type SoakOptions = {
  readonly seed: number;
  readonly parts: readonly Part[];
  /** After so long nothing more begins. */
  readonly seconds: number;
  /** Schedules of each simulated scenario. */
  readonly schedules: number;
  /** Of simulated scenarios only those of this name; all when empty. */
  readonly scenario: string;
  /** Rounds of each kind with real processes, and runs of each with engines. */
  readonly counts: Readonly<Record<Kind, number>>;
};
const parts = ['simulation', 'engines', 'processes'] as const;
export type Part = (typeof parts)[number];

export const usage = `npm run soak -- [--seed N] [--quick] [--only ${parts.join('|')}] [--scenario NAME] [--runs N] [--kind KIND]

  --seed N         begins with seed N; the same one repeats a run
  --quick          a run of at most 15 minutes: what is not begun by then is left out
  --only PART      that part alone: ${parts.join(', ')}
  --scenario NAME  that simulated scenario alone: ${scenarios.map((s) => `"${s.name}"`).join(', ')}
  --runs N         N schedules of each simulated scenario
  --kind KIND      with real processes that alone: ${Object.keys(rounds).join(', ')};
                   with engines: ${Object.keys(engineRuns).join(', ')}
  --KIND N         so many rounds or runs of it
  --help           this
`;

const ALL = 100_000;
const QUICK = 14_000;
/** Leaves what is under way then, and the set-up before, a minute and a half. */
const QUICK_SECONDS = 13.5 * 60;

/** What the command line asks for, undefined where that is help; throws, saying what is wrong, on what is none. */
export function parseOptions(args: readonly string[], anySeed: () => number): SoakOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string' },
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      scenario: { type: 'string', default: '' },
      runs: { type: 'string' },
      kind: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
      ...(Object.fromEntries(kinds.map((kind) => [kind, { type: 'string' }])) as Record<Kind, { type: 'string' }>),
    },
  });
  if (values.help) return undefined;
  const { only, scenario, kind: chosen } = values;
  if (only !== undefined && !parts.includes(only as Part))
    throw new Error(`--only ${only}: want one of ${parts.join(', ')}`);
  if (scenario !== '' && scenarios.every((s) => s.name !== scenario))
    throw new Error(`--scenario ${scenario}: want one of ${scenarios.map((s) => s.name).join(', ')}`);
  if (chosen !== undefined && !kinds.includes(chosen as Kind))
    throw new Error(`--kind ${chosen}: want one of ${kinds.join(', ')}`);
  const count = (kind: Kind): number => {
    const given = values[kind];
    if (given !== undefined) return whole(`--${kind}`, given, 1_000_000);
    const [all, quick] = counted[kind];
    return chosen === undefined || chosen === kind ? (values.quick ? quick : all) : 0;
  };
  return {
    seed: values.seed === undefined ? anySeed() : whole('--seed', values.seed, 2 ** 32 - 1),
    parts: only === undefined ? parts : [only as Part],
    seconds: values.quick ? QUICK_SECONDS : Number.POSITIVE_INFINITY,
    schedules:
      values.runs === undefined
        ? Math.ceil((values.quick ? QUICK : ALL) / scenarios.length)
        : whole('--runs', values.runs, 10_000_000),
    scenario,
    counts: Object.fromEntries(kinds.map((kind) => [kind, count(kind)])) as Record<Kind, number>,
  };
}

function whole(name: string, text: string, most: number): number {
  if (!/^\d{1,10}$/.test(text) || Number(text) > most)
    throw new Error(`${name} ${text}: want a whole number of at most ${most}`);
  return Number(text);
}
