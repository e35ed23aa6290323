import { expect, it } from 'vitest';
import { startLines } from './start.ts';

it('tells the median start and the memory of each signer', () => {
  const resident = new Map([
    ['infrastructure', 101_400_000],
    ['client', 98_600_000],
  ]);
  expect(startLines({ readyIn: [700, 500, 900, 600.4, 550], resident })).toBe(
    'a signer alone, ready after its start: median 600 ms of 5, best 500 ms, worst 900 ms\n' +
      'resident memory with two keys, idle: infrastructure 101 MB, client 99 MB',
  );
});
