/** Makes a key of 2 of 3 by the engine and signs as often as it is told; says how far it is, with its resident memory. */
import { loadAddon } from '../../signer/native/addon.ts';
import { upTo } from '../ecdsa-parties.ts';
import { checkedSigning } from '../engines/checked-signing.ts';
import { enginesOf } from '../engines/engines.ts';
import { quorumsOf } from '../frost-parties.ts';
import { inLanes } from './lanes.ts';
import { type MemoryWord, SAMPLES } from './memory-run.ts';

/** As many as keep the thread pool busy. */
const AT_ONCE = 4;

const [name, total] = [process.argv[2], Number(process.argv[3])];
const engine = enginesOf(loadAddon().addon).find((e) => e.name === name);
if (engine === undefined) throw new Error(`no engine ${name}`);
const made = await engine.make(2, 3);
const keys = await engine.open(made, upTo(3));
const quorums = quorumsOf(2, 3);
let signed = 0;
await inLanes(
  Array.from({ length: AT_ONCE }, (_, i) => i),
  async (lane) => {
    for (let i = lane; i < total; i += AT_ONCE) {
      const { violations, errors } = await checkedSigning(engine, made, keys, quorums[i % quorums.length]!);
      if (violations.length + errors.length > 0) throw new Error([...violations, ...errors.map(String)].join('; '));
      signed++;
      if (signed % Math.ceil(total / SAMPLES) !== 0 && signed !== total) continue;
      globalThis.gc?.();
      process.send?.({ signed, rss: process.memoryUsage.rss() } satisfies MemoryWord);
    }
  },
  AT_ONCE,
);
process.disconnect();
