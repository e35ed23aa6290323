import { Script } from 'node:vm';
import fc from 'fast-check';
import { equal, hex } from '../../common/bytes.ts';
import { isRefusal, type Decoder } from './decoder.ts';
import { mutate } from './mutate.ts';
import { Random } from './random.ts';

export type Finding = {
  readonly decoder: string;
  readonly input: Uint8Array;
  readonly what: string;
};

export type Row = {
  readonly decoder: string;
  readonly inputs: number;
  readonly accepted: number;
  readonly refused: number;
  /** CPU time of the slowest call. */
  readonly worstMs: number;
  readonly finding?: Finding;
};

/** CPU time that one call may take, and memory that it may leave to the garbage collector. */
export const MOST_MS = 100;
export const MOST_GROWTH = 128 * 1024 * 1024;
/** A call that is still at it after this much is ended: it may never end by itself. */
const ENDLESS_MS = 5_000;
const DEFAULT_MOST_BYTES = 16 * 1024;
/** Another CPU's caches, the compiler and the collector make a call slow once, not each time. */
const MEASUREMENTS = 5;

/** Every `STRUCTURED`th input is made from the structure, where there is one. */
const STRUCTURED = 4;

type Verdict = 'accepted' | 'refused' | { readonly wrong: string };
type Call = { readonly verdict: Verdict; readonly ms: number; readonly growth: number };

const cpuMs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};

/** What can be reclaimed only by the collector, or not at all. */
const allocated = (): number => {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

const guarded = new Script('globalThis.holdfastFuzzCall()');
const globals = globalThis as { holdfastFuzzCall?: () => unknown };

/** What `run` gives; one that does not end is ended, with an error of code ERR_SCRIPT_EXECUTION_TIMEOUT. */
function withinTime<T>(run: () => T, endlessMs: number): T {
  globals.holdfastFuzzCall = run;
  try {
    return guarded.runInThisContext({ timeout: endlessMs }) as T;
  } finally {
    delete globals.holdfastFuzzCall;
  }
}

const isEndless = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';

/** An error and where it came from; the script above puts lines of its own before a stack. */
const thrown = (error: unknown): string =>
  error instanceof Error
    ? [
        String(error),
        ...(error.stack ?? '')
          .split('\n')
          .filter((at) => at.startsWith('    at '))
          .slice(0, 8),
      ].join('\n')
    : String(error);

async function call(decoder: Decoder, input: Uint8Array, endlessMs: number, waitMs = endlessMs): Promise<Call> {
  // A decoder that keeps or changes its input must not change the one that is reported.
  const given = Uint8Array.from(input);
  const before = allocated();
  const started = cpuMs();
  let verdict: Verdict;
  try {
    const result = withinTime(() => decoder.decode(given), waitMs);
    const again = result instanceof Promise ? await result : result;
    verdict =
      again === undefined || equal(again, input)
        ? 'accepted'
        : { wrong: `takes an input that it would write as ${hex(again.subarray(0, 512))}` };
  } catch (error) {
    // Time that other processes took does not count: there is twice as much then, so that it is enough soon.
    if (isEndless(error) && cpuMs() - started < endlessMs / 2) return call(decoder, input, endlessMs, waitMs * 2);
    if (isEndless(error)) verdict = { wrong: `does not end within ${endlessMs} ms` };
    else if (isRefusal(error) || decoder.refuses?.(error)) verdict = 'refused';
    else verdict = { wrong: `throws ${thrown(error)}` };
  }
  return { verdict, ms: cpuMs() - started, growth: allocated() - before };
}

/** `input` judged; a call that was slow or large counts as that only where it is so each time. */
async function judge(decoder: Decoder, input: Uint8Array, endlessMs: number): Promise<Call> {
  let best = await call(decoder, input, endlessMs);
  for (let i = 1; i < MEASUREMENTS && typeof best.verdict === 'string'; i++) {
    if (best.ms <= MOST_MS && best.growth <= MOST_GROWTH) return best;
    const again = await call(decoder, input, endlessMs);
    best = { ...again, ms: Math.min(best.ms, again.ms), growth: Math.min(best.growth, again.growth) };
  }
  if (typeof best.verdict !== 'string') return best;
  if (best.growth > MOST_GROWTH)
    return {
      ...best,
      verdict: { wrong: `takes ${(best.growth / 2 ** 20).toFixed(0)} MiB of memory for ${input.length} bytes` },
    };
  if (best.ms > MOST_MS)
    return { ...best, verdict: { wrong: `takes ${best.ms.toFixed(0)} ms of CPU, want ${MOST_MS}` } };
  return best;
}

const hashOf = (name: string): number =>
  [...name].reduce((hash, c) => Math.imul(hash ^ (c.codePointAt(0) ?? 0), 0x01000193), 0x811c9dc5);

/** The `index`th input of a run: the same for the same seed, whatever came before it. */
export function inputOf(decoder: Decoder, seed: number, index: number): Uint8Array {
  const { seeds, structured, mostBytes = DEFAULT_MOST_BYTES } = decoder;
  // Every seed as it is comes first: what is not taken then would make the rest worthless.
  const [given] = seeds.slice(index, index + 1);
  if (given !== undefined) return given;
  const own = (seed ^ hashOf(decoder.name) ^ Math.imul(index, 0x9e3779b1)) >>> 0;
  if (structured !== undefined && index % STRUCTURED === 0) {
    const [made] = fc.sample(structured, { seed: own | 0, numRuns: 1 });
    if (made !== undefined) return made.subarray(0, mostBytes);
  }
  return mutate(seeds, new Random(own), mostBytes);
}

/** Tries inputs on `decoder` until `enough` says so of their number, or one of them is a finding. */
export async function fuzz(
  decoder: Decoder,
  seed: number,
  enough: (inputs: number) => boolean,
  endlessMs = ENDLESS_MS,
): Promise<Row> {
  let [accepted, refused, worstMs] = [0, 0, 0];
  for (let index = 0; !enough(index); index++) {
    const input = inputOf(decoder, seed, index);
    const { verdict, ms } = await judge(decoder, input, endlessMs);
    worstMs = Math.max(worstMs, ms);
    if (verdict === 'accepted') accepted++;
    else if (verdict === 'refused') refused++;
    const what =
      typeof verdict !== 'string'
        ? verdict.wrong
        : verdict === 'refused' && index < decoder.seeds.length
          ? `refuses seed ${index}, which it should take`
          : undefined;
    if (what !== undefined)
      return {
        decoder: decoder.name,
        inputs: index + 1,
        accepted,
        refused,
        worstMs,
        finding: { decoder: decoder.name, input, what },
      };
  }
  return { decoder: decoder.name, inputs: accepted + refused, accepted, refused, worstMs };
}

/** Tries one input, as a finding printed it. */
export async function replay(decoder: Decoder, input: Uint8Array, endlessMs = ENDLESS_MS): Promise<Row> {
  const { verdict, ms } = await judge(decoder, input, endlessMs);
  const counts = { accepted: verdict === 'accepted' ? 1 : 0, refused: verdict === 'refused' ? 1 : 0 };
  const row = { decoder: decoder.name, inputs: 1, ...counts, worstMs: ms };
  return typeof verdict === 'string' ? row : { ...row, finding: { decoder: decoder.name, input, what: verdict.wrong } };
}
