import { expect, it } from 'vitest';
import { growth, MOST_GROWTH } from './memory-run.ts';

/** A process that collects garbage every 20 looks, and keeps `leak` bytes of each of `count` signatures. */
const samples = (count: number, leak: number) =>
  Array.from({ length: 200 }, (_, i) => {
    const signed = ((i + 1) * count) / 200;
    return { signed, rss: 90_000_000 + (i % 20) * 1_500_000 + signed * leak };
  });

it('is not what the collector has yet to free, nor what came before', () => {
  expect(growth(samples(100_000, 0))).toBe(0);
  const warmingUp = samples(5_000, 0).map(({ signed, rss }, i) => ({ signed, rss: rss - (i < 100 ? 40_000_000 : 0) }));
  expect(growth(warmingUp)).toBe(0);
});

it('is too much where each signature leaves a message, or each of a hundred thousand less than a kilobyte', () => {
  expect(growth(samples(5_000, 26_753))).toBeGreaterThan(MOST_GROWTH);
  expect(growth(samples(100_000, 800))).toBeGreaterThan(MOST_GROWTH);
});
