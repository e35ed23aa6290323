import type { SoakOptions } from './options.ts';
import { kill, ProcessSoak, stop } from './processes.ts';
import type { Row } from './row.ts';

/** Runs wallets of real processes, one kind of fault after another. */
export async function runProcesses(
  { seed, counts }: Pick<SoakOptions, 'seed' | 'counts'>,
  progress: (line: string) => void,
  violated: (line: string) => void,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const scenario = async (
    name: string,
    flag: string,
    count: number,
    run: (soak: ProcessSoak) => Promise<void>,
  ): Promise<void> => {
    if (count === 0) return;
    let said = performance.now();
    const soak: ProcessSoak = new ProcessSoak(
      name,
      seed,
      (of, what) =>
        violated(`violation in "${name}": npm run soak -- --only processes ${flag} 100 --seed ${of}\n  ${what}`),
      () => {
        if (performance.now() < said + 10_000) return;
        said = performance.now();
        progress(`${name}: ${soak.row.runs} of ${count}`);
      },
    );
    rows.push(soak.row);
    await run(soak);
    progress(`${name}: ${soak.row.runs} of ${count} in ${Math.round(soak.row.seconds)} s`);
  };
  const { keygenKills, signingKills, stops, floods } = counts;
  await scenario('kill -9 in keygen', '--keygen-kills', keygenKills, (soak) => soak.killsOfKeygen(keygenKills));
  await scenario('kill -9 in signing', '--signing-kills', signingKills, (soak) =>
    soak.signing(kill, 'kill', signingKills),
  );
  await scenario('processes cut off', '--stops', stops, (soak) => soak.signing(stop, 'stop', stops));
  await scenario('floods', '--floods', floods, (soak) => soak.floods(floods));
  return rows;
}
