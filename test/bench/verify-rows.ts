/**
 * Checks what `npm run bench -- --json` printed, given on stdin: each line a row of the agreed shape, sizes and rates
 * that fit together. Names figures that miss their targets without failing: a machine may be slow.
 */
import { readFileSync } from 'node:fs';
import { messageOf } from '../../common/errors.ts';
import type { SchemeName } from '../../signer/scheme/scheme.ts';
import { rowTypes, type Row } from './row.ts';

/** Throws with the line and member of the first thing that is wrong. */
export function parseRows(stdout: string): readonly Row[] {
  const lines = stdout.split('\n').filter((line) => line !== '');
  if (lines.length === 0) throw new Error('stdout: want rows, got none');
  return lines.map((line, i) => {
    try {
      return checked(JSON.parse(line));
    } catch (error) {
      throw new Error(`row ${i + 1}: ${messageOf(error)}`);
    }
  });
}

function checked(value: unknown): Row {
  const row = value as Record<string, unknown>;
  const [want, got] = [Object.keys(rowTypes), Object.keys(row)];
  if (want.join() !== got.join()) throw new Error(`want members ${want.join(', ')}, got ${got.join(', ')}`);
  for (const [name, type] of Object.entries(rowTypes)) {
    if (typeof row[name] !== type) throw new Error(`${name}: want a ${type}, got ${JSON.stringify(row[name])}`);
    if (type === 'number' && !(Number(row[name]) >= 0)) throw new Error(`${name}: want 0 or more`);
  }
  const { best, p50, p95, p99, count, perSecond, bareMs, t, n, inFlight } = value as Row;
  if (!(best > 0 && best <= p50 && p50 <= p95 && p95 <= p99)) throw new Error('percentiles are out of order');
  if (!(count > 0 && perSecond > 0 && bareMs > 0 && inFlight > 0 && t >= 2 && t <= n))
    throw new Error('figures do not fit');
  return value as Row;
}

/** What `rows` miss, in words: targets of one signing at 2 of 3 on loopback, and of signers that are apart. */
export const missed = (rows: readonly Row[]): readonly string[] =>
  rows.flatMap((row) => [...missedOnLoopback(row), ...missedApart(row, rows)]);

/** The most milliseconds of one signing by itself, the median, and how many a second are wanted with 32 in flight. */
const targets = {
  noble: { EdDSA: { most: 60 }, Schnorr: { most: 35 }, ECDSA: { most: 0 } },
  addon: { EdDSA: { most: 7, rate: 450 }, Schnorr: { most: 8, rate: 250 }, ECDSA: { most: 28, rate: 60 } },
} as const satisfies Record<string, Record<SchemeName, Target>>;
type Target = { readonly most: number; readonly rate?: number };

function missedOnLoopback({ scheme, engine, t, n, inFlight, delayMs, p50, perSecond, ratio }: Row): readonly string[] {
  if (t !== 2 || n !== 3 || delayMs !== 0) return [];
  const target: Target = targets[engine === 'noble' ? 'noble' : 'addon'][scheme];
  const { most, rate } = target;
  // Where arithmetic costs little, everything else is most of a signing, and no share of the bare rate.
  const slow =
    rate === undefined
      ? ratio < 0.5 && `${ratio} of the bare rate at 32 in flight, want 0.5`
      : perSecond < rate && `${perSecond} a second at 32 in flight, want ${rate}`;
  return [
    ...(inFlight === 1 && p50 >= most ? [`${scheme}: p50 ${p50} ms, want under ${most}`] : []),
    ...(inFlight === 32 && slow !== false ? [`${scheme}: ${slow}`] : []),
  ];
}

/** For whatever else is slower with signers apart: 120 ms in all at 50 ms one way. */
const slackMs = 20;

/** A signature takes two ways between signers, ECDSA's four, whatever is in flight. */
function missedApart({ scheme, t, n, inFlight, delayMs, p50 }: Row, rows: readonly Row[]): readonly string[] {
  const trips = scheme === 'ECDSA' ? 4 : 2;
  const near = rows.find(
    (other) =>
      other.delayMs === 0 && other.scheme === scheme && other.t === t && other.n === n && other.inFlight === inFlight,
  );
  const most = near === undefined ? Number.POSITIVE_INFINITY : near.p50 + trips * delayMs + slackMs;
  if (delayMs === 0 || p50 <= most) return [];
  const where = `${t} of ${n}, ${inFlight} in flight, ${delayMs} ms apart`;
  return [
    `${scheme}, ${where}: p50 ${p50} ms, want at most ${trips} ways and ${slackMs} ms more than on loopback, ${most}`,
  ];
}

if (import.meta.main) {
  try {
    const rows = parseRows(readFileSync(0, 'utf8'));
    for (const row of rows) console.log(JSON.stringify(row));
    for (const words of missed(rows)) console.log(`target missed on this machine: ${words}`);
    console.log(`verified: ${rows.length} rows`);
  } catch (error) {
    console.error(`error: ${messageOf(error)}`);
    process.exitCode = 1;
  }
}
