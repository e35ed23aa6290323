import { availableParallelism, tmpdir } from 'node:os';
import { messageOf, UserError } from '../../common/errors.ts';
import { loadAddon } from '../../signer/native/addon.ts';
import type { Engine } from '../../signer/scheme/scheme.ts';
import { startBare } from './bare.ts';
import { startBenchWallet, type BenchWallet } from './bench-wallet.ts';
import { measureFsync } from './fsync.ts';
import { measure, type Detail } from './measure.ts';
import { parseOptions, usage, type BenchOptions } from './options.ts';
import { measureStarts, startLines } from './start.ts';
import { steady } from './steady.ts';
import { missedSteady, steadySummary } from './steady-summary.ts';
import { steadyEnd, steadyHead, steadyLine } from './steady-tables.ts';
import { tables } from './tables.ts';

const started = performance.now();
const progress = (text: string): void => {
  const seconds = ((performance.now() - started) / 1000).toFixed(0).padStart(4);
  process.stderr.write(`${seconds} s  ${text}\n`);
};

/** What signers and the processes of the bare library will sign with: they inherit this process's environment. */
function settle(asked: Engine | undefined): Engine {
  if (asked === 'noble') process.env['HOLDFAST_NATIVE'] = 'off';
  const found = loadAddon();
  if (found.addon !== undefined) return 'frost';
  if (asked === 'frost') throw new UserError(`--engine frost: ${found.why}`, ['npm run bundle builds the addon'], 2);
  return 'noble';
}

async function run(options: BenchOptions): Promise<void> {
  const engine = settle(options.engine);
  const schemes = engine === 'frost' ? options.schemes : options.schemes.filter((scheme) => scheme !== 'ECDSA');
  if (schemes.length < options.schemes.length) progress('ECDSA is left out: it needs the addon');
  if (options.start) {
    process.stdout.write(`${startLines(await measureStarts(progress))}\n`);
    return;
  }
  if (options.steadyMinutes !== undefined) {
    await runSteady(options, options.steadyMinutes);
    return;
  }
  const fsyncMs = measureFsync(tmpdir());
  progress(`engine ${engine}, ${availableParallelism()} cores, fsync ${fsyncMs.toFixed(2)} ms`);
  const bare = startBare();
  let wallet: BenchWallet | undefined;
  const details: Detail[] = [];
  try {
    for (const each of options.cases) {
      const what = `${each.t} of ${each.n}${each.delayMs === 0 ? '' : `, ${each.delayMs} ms apart`}`;
      progress(`${what}: starting signers and generating keys`);
      wallet = await startBenchWallet(each, schemes);
      progress(`${what}: signers ready in ${wallet.startedIn.map((ms) => ms.toFixed(0)).join(', ')} ms`);
      for (const scheme of schemes) {
        const measured = await measure(scheme, each, wallet, bare, { ...options, engine, fsyncMs, progress });
        details.push(...measured);
        if (options.json) for (const { row } of measured) process.stdout.write(`${JSON.stringify(row)}\n`);
      }
      await wallet.close();
      wallet = undefined;
    }
  } finally {
    bare.close();
    await wallet?.close();
  }
  if (!options.json) process.stdout.write(`${tables(details)}\n`);
}

async function runSteady(options: BenchOptions, minutes: number): Promise<void> {
  const [of] = options.cases;
  if (of === undefined) throw new Error('no wallet to load');
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  progress(`${of.t} of ${of.n}: starting signers and generating keys`);
  const wallet = await startBenchWallet(of, options.schemes);
  try {
    progress(`warming up for ${options.warmUpSeconds} s, then ${minutes} minutes`);
    const rows = await steady(of, wallet, minutes, options, (row) => {
      if (!options.json && row.minute === 1) print(steadyHead(row));
      print(options.json ? JSON.stringify(row) : steadyLine(row));
    });
    const summary = steadySummary(rows);
    print(options.json ? JSON.stringify(summary) : steadyEnd(summary));
    for (const words of missedSteady(summary)) progress(`target missed: ${words}`);
  } finally {
    await wallet.close();
  }
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) process.stdout.write(`${usage}\n`);
  else await run(options);
} catch (error) {
  process.stderr.write(`error: ${messageOf(error)}\n`);
  if (error instanceof UserError) for (const hint of error.hints) process.stderr.write(`hint: ${hint}\n`);
  process.exitCode = error instanceof UserError ? error.exitCode : 1;
}
