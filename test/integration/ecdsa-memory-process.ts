/**
 * Makes a key of two, writes the first share to the file it is given and erases it, signs with both and lets go of them;
 * says on stdout how far it is, with its resident memory in MiB, and goes on at each line on stdin.
 */
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setImmediate as turn } from 'node:timers/promises';
import { dklsScheme } from '../../signer/scheme/dkls-scheme.ts';
import { dklsAddon } from '../../signer/scheme/testing/dkls-addon.ts';
import { attempt, type Keys, openAll, Parties, sharesOf } from '../ecdsa-parties.ts';

const scheme = dklsScheme(dklsAddon);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function at(what: string): Promise<void> {
  for (let i = 0; i < 10; i++) {
    globalThis.gc?.();
    await turn();
  }
  process.stdout.write(`${what} ${Math.round(process.memoryUsage.rss() / 1024 ** 2)}\n`);
  await lines.next();
}

async function openMade(file: string): Promise<Keys> {
  const parties = new Parties(scheme, 2, 2);
  const made = await parties.all();
  parties.close();
  for (const said of parties.said)
    for (const { secrets } of said.values()) for (const secret of secrets.values()) secret.fill(0);
  writeFileSync(file, made[0]?.key.share ?? '');
  const keys = await openAll(scheme, made);
  for (const { key } of made) key.share.fill(0);
  return keys;
}

/** Every third is given up at its first step, and every third at its second. */
async function sign(keys: Keys, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const fails = [0, 1, 2][i % 3];
    const { input, outcomes } = await attempt(keys, [1, 2], {
      tamper: (bytes, { round, from }) =>
        round === fails && from === 2 ? bytes.map((b, j) => (j === 5 ? b ^ 1 : b)) : bytes,
    });
    if (fails === 0) await keys.get(1)?.aggregate(input, sharesOf(outcomes));
  }
}

const keys = await openMade(process.argv[2] ?? '');
await sign(keys, 300);
await at('open');
await sign(keys, 2_000);
await at('signed');
for (const key of keys.values()) key.close();
await at('closed');
process.exit();
