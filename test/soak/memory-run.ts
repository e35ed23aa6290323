import { signerEnvironment, signerNodeFlags } from '../../common/signer-node-flags.ts';
import { newRow, type Row } from './row.ts';
import { WatchedProcess } from './watched-process.ts';

/** Signatures so far, and resident memory then in bytes. */
export type MemoryWord = { readonly signed: number; readonly rss: number };

/** How often memory is looked at. */
export const SAMPLES = 200;
const MIB = 1024 ** 2;
/** Milliseconds between two looks: the two hundredth part of all. */
const WITHIN = 300_000;
/**
 * The heap grows and shrinks in steps of up to 10 MiB. A quarter of a hundred thousand signatures comes to 16 MiB where each
 * leaves 671 bytes; one of 5,000 where each leaves half of the smallest message of an ECDSA session.
 */
export const MOST_GROWTH = 16 * MIB;

/**
 * How much memory grows over the second half, in bytes: from the least of the third quarter to the least of the fourth. What
 * comes and goes is not in the least; what leaks is.
 */
export function growth(samples: readonly MemoryWord[]): number {
  const least = (from: number, to: number): number =>
    Math.min(
      ...samples.slice(Math.floor(samples.length * from), Math.floor(samples.length * to)).map(({ rss }) => rss),
    );
  return least(0.75, 1) - least(0.5, 0.75);
}

/** `count` signatures in a process that is started as a signer is: its memory must not grow. */
export async function runSignatures(
  engine: string,
  count: number,
  deadline: number,
  progress: (line: string) => void,
  violated: (line: string) => void,
): Promise<Row> {
  const row = newRow('engines', `${engine}: memory over signatures`);
  const started = performance.now();
  const samples: MemoryWord[] = [];
  const child = new WatchedProcess<MemoryWord>(new URL('./memory-process.ts', import.meta.url), WITHIN, {
    args: [engine, String(count)],
    flags: [...signerNodeFlags, '--expose-gc'],
    env: signerEnvironment('Infrastructure'),
  });
  let said = started;
  const late = (): boolean => performance.now() > deadline;
  const why = await child.listen(
    (sample) => {
      samples.push(sample);
      if (performance.now() < said + 10_000) return;
      said = performance.now();
      progress(`${row.scenario}: ${sample.signed} of ${count}, ${Math.round(sample.rss / MIB)} MiB`);
    },
    ({ signed }) => signed === count || late(),
  );
  child.close();
  row.signed = row.requests = row.runs = samples.at(-1)?.signed ?? 0;
  row.seconds = (performance.now() - started) / 1000;
  const violation = (what: string): void => {
    row.violations++;
    violated(
      `violation in "${row.scenario}": npm run soak -- --only engines --kind signatures --signatures ${count}\n  ${what}`,
    );
  };
  if (why !== '') violation(why);
  const grown = samples.length < 8 ? 0 : growth(samples);
  const mib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`;
  const short = row.signed < count ? `, no time for more than ${row.signed}` : '';
  progress(
    `${row.scenario}: ${mib(samples.at(-1)?.rss ?? 0)} in the end, ${mib(grown)} more over the second half${short}`,
  );
  if (grown > MOST_GROWTH)
    violation(`memory grew by ${mib(grown)} over the second half, want at most ${mib(MOST_GROWTH)}`);
  return row;
}
