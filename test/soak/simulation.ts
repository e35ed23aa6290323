import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { SoakOptions } from './options.ts';
import { newRow, type Row } from './row.ts';
import { scenarios } from './scenarios.ts';
import type { Done, Work } from './shard.ts';

const CHUNK = 50;

/** Runs simulated schedules on all cores; `violated` is told of each violation, with what repeats it. */
export async function runSimulation(
  { seed, schedules, scenario: only }: SoakOptions,
  deadline: number,
  progress: (line: string) => void,
  violated: (line: string) => void,
): Promise<readonly Row[]> {
  const chosen = only === '' ? scenarios : scenarios.filter(({ name }) => name === only);
  const rows = new Map<string, Row>(chosen.map(({ name }) => [name, newRow('simulation', name)]));
  // Of each scenario in turn, so that none is left out where time is short.
  const left: Work[] = Array.from({ length: Math.ceil(schedules / CHUNK) }, (_, i) => i * CHUNK).flatMap((done) =>
    chosen.map(({ name }) => ({ scenario: name, seed: seed + done, count: Math.min(CHUNK, schedules - done) })),
  );
  const all = schedules * chosen.length;
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  let ran = 0;
  let said = 0;
  const note = ({ scenario, results, seconds: took }: Done): void => {
    const row = rows.get(scenario);
    if (row === undefined) throw new Error(`no scenario ${scenario}`);
    row.seconds += took;
    for (const { seed: of, faults, violations, requests, signed, refused, mayExist, skipped } of results) {
      row.runs++;
      row.requests += requests;
      row.signed += signed;
      row.refused += refused;
      row.mayExist += mayExist;
      row.skipped += skipped;
      for (const [kind, count] of Object.entries(faults)) row.faults[kind] = (row.faults[kind] ?? 0) + count;
      if (violations.length === 0) continue;
      row.violations++;
      violated(
        [
          `violation in "${scenario}": npm run soak -- --only simulation --scenario "${scenario}" --runs 1 --seed ${of}`,
          ...violations.map((v) => `  ${v}`),
        ].join('\n'),
      );
    }
    ran += results.length;
    if (seconds() < said + 10 && ran < all) return;
    said = seconds();
    progress(`simulation: ${ran} of ${all} schedules, ${Math.round(ran / seconds())}/s`);
  };
  const threads = Array.from(
    { length: Math.min(availableParallelism(), left.length) },
    () =>
      new Promise<void>((resolve, reject) => {
        const worker = new Worker(new URL('./shard.ts', import.meta.url));
        const next = (): void => {
          const work = performance.now() > deadline ? undefined : left.shift();
          if (work !== undefined) return worker.postMessage(work);
          void worker.terminate().then(() => resolve());
        };
        worker.on('error', reject);
        worker.on('message', (done: Done) => {
          note(done);
          next();
        });
        next();
      }),
  );
  await Promise.all(threads);
  if (ran < all) progress(`simulation: no time for more than ${ran} of ${all} schedules`);
  return [...rows.values()];
}
