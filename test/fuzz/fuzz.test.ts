import { afterAll, describe, expect, test } from 'vitest';
import { hex, utf8 } from '../../common/bytes.ts';
import type { Decoder } from './decoder.ts';
import { decoders } from './decoders.ts';
import { fuzz, inputOf, replay } from './harness.ts';
import { removeScratchFolders } from './scratch-folder.ts';

afterAll(removeScratchFolders);

/** The same each time, so that a failure is of the change that brought it; npm run fuzz tries others. */
const SEED = 1;
const MORE = 24;

test.each(decoders.map((decoder) => [decoder.name, decoder] as const))(
  'what %s does not take, it refuses in time',
  async (_, decoder) => {
    const { finding, accepted } = await fuzz(decoder, SEED, (inputs) => inputs >= decoder.seeds.length + MORE);
    expect(finding && `${finding.what}: ${hex(finding.input)}`).toBeUndefined();
    expect(accepted).toBeGreaterThanOrEqual(decoder.seeds.length);
  },
);

describe('a mistake is found, with an input that shows it again', () => {
  const seeds = [utf8('{"key":"solana","path":"m/0/5"}')];
  const planted: readonly (readonly [string, Decoder['decode'], RegExp])[] = [
    [
      'a member that is used before it is checked',
      (bytes) =>
        void (JSON.parse(`{"key":"${bytes.length > 31 ? 'solana' : ''}"}`) as { key: string; path: string[] }).path.map(
          String,
        ),
      /throws TypeError/,
    ],
    [
      'nesting that exhausts the stack',
      (bytes) => {
        const deeper = (at: number): number => (at > bytes.length * 100_000 ? at : 1 + deeper(at + 1));
        if (bytes.length > 31) deeper(0);
        return undefined;
      },
      /throws RangeError: Maximum call stack/,
    ],
    [
      'arithmetic that takes longer than it may',
      (bytes) => {
        const until = process.threadCpuUsage().user + (bytes.length > 31 ? 150_000 : 0);
        while (process.threadCpuUsage().user < until);
        return undefined;
      },
      /takes [0-9]{3,} ms of CPU, want 100/,
    ],
    ['an end that never comes', (bytes) => void (bytes.length > 31 && forever()), /does not end within/],
    [
      'memory for a length that is only claimed',
      (bytes) => void (bytes.length > 31 && kept.push(Buffer.alloc(600 * 2 ** 20))),
      /takes [0-9]{3} MiB of memory for/,
    ],
    [
      'bytes that are read as others',
      (bytes) => (bytes.length > 31 ? bytes.subarray(1) : bytes),
      /takes an input that it would write as/,
    ],
    [
      'a valid input that is refused',
      () => {
        throw new Error('no');
      },
      /refuses seed 0/,
    ],
  ];
  const kept: Buffer[] = [];
  const forever = (): void => {
    for (;;);
  };

  test.each(planted)('%s', async (name, decode, what) => {
    const decoder: Decoder = { name, seeds, decode };
    const endlessMs = name.startsWith('an end') ? 300 : 10_000;
    const { finding } = await fuzz(decoder, SEED, (inputs) => inputs >= 1_000, endlessMs);
    expect(finding?.what).toMatch(what);
    // What the first finding holds is let go of afterwards, so that freeing it takes nothing off the second.
    if (!name.startsWith('a valid')) {
      const again = await replay(decoder, finding!.input, endlessMs);
      expect(again.finding?.what).toMatch(what);
    }
    kept.length = 0;
  });
});

test('an input depends on seed, decoder and number alone', () => {
  for (const decoder of decoders)
    for (const index of [7, 100, 104]) {
      expect(inputOf(decoder, 5, index)).toEqual(inputOf(decoder, 5, index));
      expect(inputOf(decoder, 5, index).length).toBeLessThanOrEqual(decoder.mostBytes ?? 16 * 1024);
    }
});
