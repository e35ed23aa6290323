import { parseArgs } from 'node:util';
import { UserError } from '../../common/errors.ts';
import type { FrostScheme } from '../../signer/scheme/scheme.ts';

/** A wallet's size: `t` of `n` holders. */
export type Size = { readonly t: number; readonly n: number };

export type BenchOptions = {
  readonly json: boolean;
  /** Only how fast a signer starts and what it keeps in memory. */
  readonly start: boolean;
  readonly schemes: readonly FrostScheme[];
  readonly sizes: readonly Size[];
  readonly inFlight: readonly number[];
  /** Length of one measurement. */
  readonly seconds: number;
  /** Length of the warm-up before a wallet's measurements. */
  readonly warmUpSeconds: number;
};

export const usage = `Measures whole signings: policy, durable ledger and mutual TLS included, beside the bare library.

  npm run bench                      2 of 3 in detail, then other sizes
  npm run bench -- --quick           2 of 3, in flight 1 and 32, within a minute
  npm run bench -- --json            one JSON object a row on stdout, nothing else
  npm run bench -- --start           only: how long a signer takes to start, and its memory

Flags: --quick  --json  --start  --seconds N (a measurement's length)  --scheme EdDSA|Schnorr  --delay 0`;

const schemes: readonly FrostScheme[] = ['EdDSA', 'Schnorr'];
const detailed: Size = { t: 2, n: 3 };

/** Options of a command line; throws where one makes no sense. `undefined`: help was asked for. */
export function parseOptions(args: readonly string[]): BenchOptions | undefined {
  const { values } = parse(args);
  if (values.help) return undefined;
  if (values.delay !== '0')
    throw new UserError(`--delay: want 0, got ${values.delay}`, ['delays between signers come in a later version']);
  if (values.start && values.json)
    throw new UserError('--start: its figures are no rows of --json', ['leave --json out'], 2);
  const scheme = schemes.filter((known) => values.scheme === undefined || known === values.scheme);
  if (scheme.length === 0) throw new UserError(`--scheme: want ${schemes.join(' or ')}, got ${values.scheme}`);
  const seconds = Number(values.seconds ?? (values.quick ? 4 : 10));
  if (!(seconds >= 1 && seconds <= 600)) throw new UserError(`--seconds: want 1 to 600, got ${values.seconds}`);
  return {
    json: values.json,
    start: values.start,
    schemes: scheme,
    sizes: values.quick ? [detailed] : [detailed, { t: 2, n: 2 }, { t: 3, n: 5 }, { t: 5, n: 9 }],
    inFlight: values.quick ? [1, 32] : [1, 8, 32],
    seconds,
    warmUpSeconds: values.quick ? 3 : 10,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        quick: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        start: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        seconds: { type: 'string' },
        scheme: { type: 'string' },
        delay: { type: 'string', default: '0' },
      },
    });
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : String(error), ['npm run bench -- --help'], 2);
  }
}
