import { expect, test } from 'vitest';
import { parseSpan, since, span } from './age.ts';

const [second, minute, hour] = [1_000, 60_000, 3_600_000];

// As k8s.io/apimachinery's HumanDuration has it.
test.each([
  [-5, '0s'],
  [999, '0s'],
  [119 * second, '119s'],
  [2 * minute, '2m'],
  [9 * minute + 30 * second, '9m30s'],
  [10 * minute + 30 * second, '10m'],
  [179 * minute, '179m'],
  [3 * hour, '3h'],
  [7 * hour + 59 * minute, '7h59m'],
  [47 * hour, '47h'],
  [48 * hour, '2d'],
])('%d ms is %s', (ms, text) => {
  expect(span(ms)).toBe(text);
});

test('times before and after now are told apart, and what is no time is nothing', () => {
  const now = Date.parse('2026-12-01T00:00:00Z');
  expect(since('2026-11-30T23:59:00Z', now)).toBe('60s');
  expect(since('2026-12-01T01:00:00Z', now)).toBe('in 60m');
  expect(since('soon', now)).toBe('');
});

test.each([
  ['90s', 90_000],
  ['15m', 900_000],
  ['7d', 604_800_000],
  ['0s', undefined],
  ['1w', undefined],
  ['', undefined],
  ['1h30m', undefined],
])('the span %j is %s ms', (text, ms) => {
  expect(parseSpan(text)).toBe(ms);
});
