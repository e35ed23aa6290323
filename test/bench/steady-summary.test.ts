import { expect, it } from 'vitest';
import type { SteadyRow } from './steady-row.ts';
import { missedSteady, slope, steadySummary } from './steady-summary.ts';
import { steadyEnd, steadyHead, steadyLine } from './steady-tables.ts';

const row = (minute: number, megabytes: number, p50 = 500): SteadyRow => ({
  minute,
  schemes: ['EdDSA', 'Schnorr'],
  t: 2,
  n: 3,
  inFlight: 32,
  delayMs: 0,
  count: 3_600,
  perSecond: 60,
  p50,
  p95: 800,
  p99: 900,
  askedAgain: 2,
  signers: ['infrastructure', 'backup'].map((name, i) => ({
    name,
    rssBytes: (megabytes - 40 * i) * 1e6,
    mostRssBytes: (megabytes - 40 * i + 5) * 1e6,
    answerMs: 4,
    mostAnswerMs: 21.4,
    databaseBytes: 12e6,
    walBytes: 4e6,
  })),
  client: { rssBytes: 120e6, heapBytes: 40e6, loopDelayMs: 11.2 },
});

it('compares the last minute with the first, and draws a line through the second half of memory', () => {
  const rows = [row(1, 100), row(2, 140), row(3, 150), row(4, 151, 550), row(5, 152), row(6, 153, 505)];
  expect(steadySummary(rows)).toEqual({
    minutes: 6,
    perSecondRatio: 1,
    p50Ratio: 1.01,
    p95Ratio: 1,
    p99Ratio: 1,
    memory: [
      { name: 'infrastructure', mostRssBytes: 158e6, grownBytes: 53e6, bytesPerHour: 60e6 },
      { name: 'backup', mostRssBytes: 118e6, grownBytes: 53e6, bytesPerHour: 60e6 },
      { name: 'the client', mostRssBytes: 120e6, grownBytes: 0, bytesPerHour: 0 },
    ],
  });
  expect(() => steadySummary([row(1, 100)])).toThrow('want two minutes or more, got 1');
});

it('draws the line that is nearest', () => {
  expect(slope([1, 2, 3])).toBe(1);
  expect(slope([3, 3])).toBe(0);
  expect(slope([0, 1, 0, 1])).toBeCloseTo(0.2);
  expect(slope([5, 1])).toBe(-4);
});

it('names signers that hold more than they may, whenever it was', () => {
  expect(missedSteady(steadySummary([row(1, 100), row(2, 240)]))).toEqual([]);
  expect(missedSteady(steadySummary([row(1, 246), row(2, 100)]))).toEqual([
    'infrastructure: 251 MB resident, want under 250',
  ]);
  const client = { rssBytes: 900e6, heapBytes: 40e6, loopDelayMs: 11.2 };
  expect(missedSteady(steadySummary([row(1, 100), { ...row(2, 100), client }]))).toEqual([]);
});

it('names memory that grows, over minutes enough to know, and latency that does', () => {
  const run = (minutes: number, perMinute: number): readonly string[] =>
    missedSteady(steadySummary(Array.from({ length: minutes }, (_, i) => row(i + 1, 100 + perMinute * i))));
  expect(run(30, 0.1)).toEqual([]);
  expect(run(29, 0.3)).toEqual([]);
  expect(run(30, 0.3)).toEqual([
    'infrastructure: grows by 18 MB an hour, want at most 10',
    'backup: grows by 18 MB an hour, want at most 10',
  ]);
  expect(missedSteady(steadySummary([row(1, 100), row(2, 100, 625)]))).toEqual([]);
  expect(missedSteady(steadySummary([row(1, 100), row(2, 100, 650)]))).toEqual([
    "p50: the last minute's is 1.3 of the first one's, want at most 1.25",
  ]);
});

it('tells a minute in a line under its heads, and what became of it', () => {
  const heads = steadyHead(row(1, 100)).split('\n').at(-1) ?? '';
  const line = steadyLine(row(7, 100));
  expect(heads.length).toBe(line.length);
  expect(line.trim().split(/\s{2,}/)).toEqual([
    '7',
    '3600',
    '60.0',
    '500.0',
    '800.0',
    '900.0',
    '2',
    '105 65 120',
    '21 21 11',
    '12+4 12+4',
  ]);
  expect(steadyHead(row(1, 100))).toContain('infrastructure, backup; then the client');
  const end = steadyEnd(steadySummary([row(1, 100), row(2, 99, 505)]));
  expect(end).toContain('minute 2 to minute 1: per s 1.00, p50 1.01, p95 1.00, p99 1.00');
  expect(end).toMatch(/infrastructure +105 +-1\.0 +-60\.0/);
});
