import { parseArgs } from 'node:util';
import { UserError } from '../../common/errors.ts';
import type { Engine, SchemeName } from '../../signer/scheme/scheme.ts';

/** A wallet's size: `t` of `n` holders. */
export type Size = { readonly t: number; readonly n: number };

/** A wallet to measure: its size, and how far apart its signers are. */
export type Case = Size & {
  /** Milliseconds one way between any two signers. */
  readonly delayMs: number;
  /** The client is as far from its signers too. */
  readonly delayClient: boolean;
};

export type BenchOptions = {
  readonly json: boolean;
  /** Only how fast a signer starts and what it keeps in memory. */
  readonly start: boolean;
  /** Only the first case under a steady load, this many minutes. */
  readonly steadyMinutes: number | undefined;
  readonly schemes: readonly SchemeName[];
  /** Whose arithmetic of FROST signers and the bare library do; undefined: the addon's where there is one. */
  readonly engine: Engine | undefined;
  readonly cases: readonly Case[];
  readonly inFlight: readonly number[];
  /** Length of one measurement. */
  readonly seconds: number;
  /** Length of the warm-up before a wallet's measurements. */
  readonly warmUpSeconds: number;
};

export const usage = `Measures whole signings: policy, durable ledger and mutual TLS included, beside the bare library.

  npm run bench                      2 of 3 in detail and with signers 10, 50 and 100 ms apart, then other sizes
  npm run bench -- --quick           2 of 3, in flight 1 and 32, within a minute
  npm run bench -- --delay 0,50      signers 0 and 50 ms apart, one way
  npm run bench -- --json            one JSON object a row on stdout, nothing else
  npm run bench -- --start           only: how long a signer takes to start, and its memory
  npm run bench -- --steady 60       only: 32 in flight for an hour (10 minutes unless said), a line a minute

Flags: --quick  --json  --start  --steady [MINUTES]  --seconds N (a measurement's length)  --scheme EdDSA|Schnorr|ECDSA
       --engine noble|frost (JavaScript or the addon; the addon where there is one)
       --delay MS,MS,...  --delay-client (the client is as far away as signers are from one another)`;

const schemes: readonly SchemeName[] = ['EdDSA', 'Schnorr', 'ECDSA'];
const detailed: Size = { t: 2, n: 3 };
const others: readonly Size[] = [
  { t: 2, n: 2 },
  { t: 3, n: 5 },
  { t: 5, n: 9 },
];
const delaysInDetail = [0, 10, 50, 100];
const steadyInFlight = 32;

/** Options of a command line; throws where one makes no sense. `undefined`: help was asked for. */
export function parseOptions(args: readonly string[]): BenchOptions | undefined {
  const { values } = parse(args);
  if (values.help) return undefined;
  const { quick, json, start } = values;
  if (start && json) throw new UserError('--start: its figures are no rows of --json', ['leave --json out'], 2);
  if (start && values.steady !== undefined) throw new UserError('--start and --steady: want one of them', [], 2);
  const engine = engineOf(values.engine);
  const scheme = schemes.filter((known) => values.scheme === undefined || known === values.scheme);
  if (scheme.length === 0) throw new UserError(`--scheme: want ${schemes.join(' or ')}, got ${values.scheme}`);
  const seconds = Number(values.seconds ?? (quick ? 4 : 10));
  if (!(seconds >= 1 && seconds <= 600)) throw new UserError(`--seconds: want 1 to 600, got ${values.seconds}`);
  const steadyMinutes = values.steady === undefined ? undefined : Number(values.steady);
  if (steadyMinutes !== undefined && !(Number.isInteger(steadyMinutes) && steadyMinutes >= 2 && steadyMinutes <= 1440))
    throw new UserError(`--steady: want 2 to 1440 minutes, got ${values.steady}`);
  const cases = casesOf(quick || steadyMinutes !== undefined, values.delay, values['delay-client']);
  if (steadyMinutes !== undefined && cases.length > 1)
    throw new UserError(`--steady: want one delay, got ${values.delay}`, ['run it once for each'], 2);
  return {
    json,
    start,
    steadyMinutes,
    schemes: scheme,
    engine,
    cases,
    inFlight: steadyMinutes !== undefined ? [steadyInFlight] : quick ? [1, 32] : [1, 8, 32],
    seconds,
    warmUpSeconds: quick ? 3 : 10,
  };
}

function engineOf(asked: string | undefined): Engine | undefined {
  if (asked === undefined || asked === 'noble' || asked === 'frost') return asked;
  throw new UserError(`--engine: want noble or frost, got ${asked}`, [], 2);
}

/** Delays that were asked for hold for every size; else they are tried with the first one. */
function casesOf(onlyDetailed: boolean, asked: string | undefined, delayClient: boolean): readonly Case[] {
  const delays = asked?.split(',').map((text) => (/^\d+$/.test(text) ? Number(text) : Number.NaN));
  if (delays?.every((ms) => ms <= 1_000) === false)
    throw new UserError(`--delay: want milliseconds from 0 to 1000, separated by commas, got ${asked}`, [], 2);
  if (delayClient && delays?.some((ms) => ms > 0) !== true)
    throw new UserError('--delay-client: want --delay with a delay above 0', ['--delay 50 --delay-client'], 2);
  const apart = (size: Size, ms: readonly number[]): readonly Case[] =>
    [...new Set(ms)].map((delayMs) => ({ ...size, delayMs, delayClient }));
  if (onlyDetailed) return apart(detailed, delays ?? [0]);
  return [...apart(detailed, delays ?? delaysInDetail), ...others.flatMap((size) => apart(size, delays ?? [0]))];
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: args.flatMap((arg, i) => (arg === '--steady' && !/^\d/.test(args[i + 1] ?? '') ? ['--steady=10'] : [arg])),
      options: {
        quick: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        start: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        seconds: { type: 'string' },
        scheme: { type: 'string' },
        engine: { type: 'string' },
        delay: { type: 'string' },
        'delay-client': { type: 'boolean', default: false },
        steady: { type: 'string' },
      },
    });
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : String(error), ['npm run bench -- --help'], 2);
  }
}
