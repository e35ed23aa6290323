import { availableParallelism } from 'node:os';
import { loadAddon } from '../../signer/native/addon.ts';
import { type Engine, enginesOf } from '../engines/engines.ts';
import { runsOf, type Trial, trials } from './engine-kinds.ts';
import type { EngineWord, EngineWork } from './engine-shard.ts';
import { inLanes } from './lanes.ts';
import { runSignatures } from './memory-run.ts';
import type { SoakOptions } from './options.ts';
import { newRow, type Row } from './row.ts';
import { WatchedProcess } from './watched-process.ts';

/** What one process is given at once. */
const CHUNK = 25;
/** Milliseconds for one run, the first of which makes keys; alone on a machine the longest takes two seconds. */
const WITHIN = 120_000;

/** Runs every scheme by every engine with faults, in processes of their own: one that ends or hangs violates too. */
export async function runEngines(
  { seed, counts }: Pick<SoakOptions, 'seed' | 'counts'>,
  deadline: number,
  progress: (line: string) => void,
  violated: (line: string) => void,
): Promise<readonly Row[]> {
  const found = loadAddon();
  if (found.addon === undefined)
    progress(`engines: all but @noble/curves are left out, which need the addon: ${found.why}`);
  const engines = enginesOf(found.addon);
  const rows: Row[] = [];
  for (const trial of trials)
    if (counts[trial.kind] > 0)
      rows.push(...(await runTrial(trial, engines, seed, counts[trial.kind], deadline, progress, violated)));
  if (counts.signatures > 0)
    for (const engine of engines.filter(({ kind }) => kind === 'addon'))
      rows.push(await runSignatures(engine.name, counts.signatures, deadline, progress, violated));
  return rows;
}

async function runTrial(
  { kind, name, fault }: Trial,
  engines: readonly Engine[],
  seed: number,
  count: number,
  deadline: number,
  progress: (line: string) => void,
  violated: (line: string) => void,
): Promise<readonly Row[]> {
  const rows = new Map(engines.map((engine) => [engine.name, newRow('engines', `${engine.name}: ${name}`)]));
  // Of each engine in turn, so that none is left out where time is short.
  const left = Array.from({ length: Math.ceil(count / CHUNK) }, (_, i) => i * CHUNK).flatMap((done) =>
    engines
      .map((engine): EngineWork => {
        const runs = Math.min(CHUNK, runsOf(engine, count) - done);
        return { engine: engine.name, kind, seed: seed + done, count: runs };
      })
      .filter((work) => work.count > 0),
  );
  const all = left.reduce((sum, work) => sum + work.count, 0);
  const started = performance.now();
  let ran = 0;
  let said = started;
  const violation = (row: Row, of: number, what: readonly string[]): void => {
    row.violations++;
    const again = `npm run soak -- --only engines --kind ${kind} --${kind} 1 --seed ${of}`;
    violated([`violation in "${row.scenario}": ${again}`, ...what.map((each) => `  ${each}`)].join('\n'));
  };
  const start = (): WatchedProcess<EngineWord> =>
    new WatchedProcess(new URL('./engine-shard.ts', import.meta.url), WITHIN);

  /** One piece of work in `shard`, or in the one that has to take its place. */
  async function runWork(work: EngineWork, shard: WatchedProcess<EngineWord>): Promise<WatchedProcess<EngineWord>> {
    const row = rows.get(work.engine)!;
    let underWay = work.seed;
    let done = 0;
    const note = (word: EngineWord): void => {
      if (word === 'done') return;
      if ('begins' in word) {
        underWay = word.begins;
        return;
      }
      const { faults, signed, refused, violations } = word.checked;
      ran++;
      done++;
      row.runs++;
      row.requests += signed + refused;
      row.signed += signed;
      row.refused += refused;
      row.seconds += word.seconds;
      if (faults > 0) row.faults[fault] = (row.faults[fault] ?? 0) + faults;
      if (violations.length > 0) violation(row, word.seed, violations);
    };
    const why = await shard.listen(note, (word) => word === 'done', work);
    if (why === '') return shard;
    ran++;
    row.runs++;
    violation(row, underWay, [why]);
    const rest = work.count - (done + 1);
    return rest > 0 ? runWork({ ...work, seed: work.seed + done + 1, count: rest }, start()) : start();
  }

  const lanes = Array.from({ length: Math.min(availableParallelism(), left.length) }, (_, i) => i);
  await inLanes(lanes, async () => {
    let shard = start();
    try {
      for (let work = left.shift(); work !== undefined && performance.now() < deadline; work = left.shift()) {
        shard = await runWork(work, shard);
        if (performance.now() < said + 10_000) continue;
        said = performance.now();
        progress(`${name}: ${ran} of ${all}`);
      }
    } finally {
      shard.close();
    }
  });
  const seconds = Math.round((performance.now() - started) / 1000);
  progress(`${name}: ${ran} of ${all}${ran < all ? ', no time for more,' : ''} in ${seconds} s`);
  return [...rows.values()];
}
