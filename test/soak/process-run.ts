import type { SoakOptions } from './options.ts';
import { kill, ProcessSoak, stop } from './processes.ts';
import type { Row } from './row.ts';

/** Runs wallets of real processes, one after another. */
export async function runProcesses(
  { seed, counts }: Pick<SoakOptions, 'seed' | 'counts'>,
  progress: (line: string) => void,
  violated: (line: string) => void,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const scenario = async (
    name: string,
    count: number,
    run: (soak: ProcessSoak, tick: () => void) => Promise<void>,
  ): Promise<void> => {
    if (count === 0) return;
    const again = `npm run soak -- --only processes --seed ${seed}`;
    const soak = new ProcessSoak(name, seed, (what) => violated(`violation in "${name}": ${again}\n  ${what}`));
    rows.push(soak.row);
    let said = performance.now();
    await run(soak, () => {
      if (performance.now() < said + 10_000) return;
      said = performance.now();
      progress(`${name}: ${soak.row.runs} of ${count}`);
    });
    progress(`${name}: ${soak.row.runs} of ${count} in ${Math.round(soak.row.seconds)} s`);
  };
  const { keygenKills, signingKills, stops, floods } = counts;
  await scenario('kill -9 in keygen', keygenKills, (soak, tick) => soak.killsOfKeygen(keygenKills, tick));
  await scenario('kill -9 in signing', signingKills, (soak, tick) => soak.signing(kill, 'kill', signingKills, tick));
  await scenario('processes cut off', stops, (soak, tick) => soak.signing(stop, 'stop', stops, tick));
  await scenario('floods', floods, (soak, tick) => soak.floods(floods, tick));
  return rows;
}
