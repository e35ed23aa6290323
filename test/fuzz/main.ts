import { parseArgs } from 'node:util';
import { fromHex, hex } from '../../common/bytes.ts';
import { messageOf } from '../../common/errors.ts';
import { decoders } from './decoders.ts';
import { fuzz, replay, type Row } from './harness.ts';

const usage = `usage: npm run fuzz -- [--seed N] [--seconds S] [--only NAME] [--input HEX]
  --seconds  for all decoders together, 60 unless said
  --only     decoders whose name contains NAME
  --input    try this one input on them, as a finding printed it`;

const line = (cells: readonly (string | number)[]): string =>
  cells.map((cell, i) => (i === 0 ? String(cell).padEnd(28) : String(cell).padStart(10))).join('');

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      seconds: { type: 'string' },
      only: { type: 'string' },
      input: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return console.log(usage);
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
  const seconds = Number(values.seconds ?? 60);
  if (!Number.isSafeInteger(seed) || seed < 0 || !(seconds > 0))
    throw new Error('want a whole --seed and --seconds above 0');
  const chosen = decoders.filter(({ name }) => name.includes(values.only ?? ''));
  if (chosen.length === 0)
    throw new Error(`no decoder is named so: want one of ${decoders.map(({ name }) => name).join(', ')}`);
  console.log(`seed ${seed}`);
  console.log(line(['decoder', 'inputs', 'accepted', 'refused', 'worst ms']));
  const rows: Row[] = [];
  for (const decoder of chosen) {
    const until = performance.now() + (seconds * 1000) / chosen.length;
    const row =
      values.input === undefined
        ? await fuzz(decoder, seed, (inputs) => inputs > decoder.seeds.length && performance.now() > until)
        : await replay(decoder, fromHex(values.input, '--input'));
    console.log(line([row.decoder, row.inputs, row.accepted, row.refused, row.worstMs.toFixed(1)]));
    rows.push(row);
  }
  for (const { finding } of rows)
    if (finding !== undefined) {
      console.log(`\nfinding in ${finding.decoder}: ${finding.what}`);
      console.log(`again: npm run fuzz -- --seed ${seed} --only '${finding.decoder}' --input ${hex(finding.input)}`);
      process.exitCode = 1;
    }
}

try {
  await run();
} catch (error) {
  console.error(`error: ${messageOf(error)}`);
  console.error(usage);
  process.exitCode = 2;
}
