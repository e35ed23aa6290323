import { expect, it } from 'vitest';
import { median, percentiles } from './percentiles.ts';

it('gives values that were measured, by nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
  expect(percentiles(hundred)).toEqual({ best: 1, p50: 50, p95: 95, p99: 99 });
  expect(percentiles([7])).toEqual({ best: 7, p50: 7, p95: 7, p99: 7 });
  expect(percentiles([3, 1, 2])).toEqual({ best: 1, p50: 2, p95: 3, p99: 3 });
});

it('has no percentiles of nothing', () => {
  expect(() => percentiles([])).toThrow('got none');
  expect(median([])).toBeNaN();
});
