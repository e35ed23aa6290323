import { parentPort } from 'node:worker_threads';
import { scenarios } from './scenarios.ts';
import { runSchedule, type ScheduleResult } from './schedule.ts';

/** Seeds of one scenario, one after another. */
export type Work = { readonly scenario: string; readonly seed: number; readonly count: number };
export type Done = Work & {
  readonly results: readonly (ScheduleResult & { readonly seed: number })[];
  readonly seconds: number;
};

/** Runs schedules one after another: a thread a core. */
export async function runWork(work: Work): Promise<Done> {
  const scenario = scenarios.find((s) => s.name === work.scenario);
  if (scenario === undefined) throw new Error(`no scenario ${work.scenario}`);
  const started = performance.now();
  const results: (ScheduleResult & { readonly seed: number })[] = [];
  for (let i = 0; i < work.count; i++) {
    const seed = (work.seed + i) >>> 0;
    results.push({ seed, ...(await runSchedule(scenario, seed)) });
  }
  return { ...work, results, seconds: (performance.now() - started) / 1000 };
}

parentPort?.on('message', (work: Work) => {
  // A failure of the harness itself ends the thread, and so the run.
  void runWork(work).then((done) => parentPort?.postMessage(done));
});
