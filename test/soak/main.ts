import { randomInt } from 'node:crypto';
import { messageOf } from '../../common/errors.ts';
import { parseOptions, usage, type SoakOptions } from './options.ts';
import { runEngines } from './engine-run.ts';
import { runProcesses } from './process-run.ts';
import { formatTable, type Row } from './row.ts';
import { runSimulation } from './simulation.ts';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

let options: SoakOptions | undefined;
try {
  options = parseOptions(process.argv.slice(2), () => randomInt(2 ** 32));
} catch (error) {
  say(`error: ${messageOf(error)}\n\n${usage}`);
  process.exit(2);
}
if (options === undefined) {
  console.log(usage);
  process.exit(0);
}
say(`seed ${options.seed}`);
const started = performance.now();
/** Of the time that there is, up to the end of each part but the last. */
const ends = options.parts.includes('processes') ? { simulation: 0.45, engines: 0.6 } : { simulation: 1, engines: 1 };
const deadline = (share: number): number => started + options.seconds * 1_000 * share;
let violations = 0;
const rows: Row[] = [];
const violated = (line: string): void => {
  violations++;
  say(line);
};
if (options.parts.includes('simulation'))
  rows.push(...(await runSimulation(options, deadline(ends.simulation), say, violated)));
if (options.parts.includes('engines')) rows.push(...(await runEngines(options, deadline(ends.engines), say, violated)));
if (options.parts.includes('processes')) rows.push(...(await runProcesses(options, deadline(1), say, violated)));
console.log(`seed ${options.seed}\n${formatTable(rows)}`);
process.exitCode = violations === 0 ? 0 : 1;
