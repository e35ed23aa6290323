import { expect, it } from 'vitest';
import type { Detail } from './measure.ts';
import type { Row } from './row.ts';
import { tables } from './tables.ts';

const row: Row = {
  scheme: 'EdDSA',
  engine: 'noble',
  t: 2,
  n: 3,
  inFlight: 1,
  delayMs: 0,
  count: 200,
  perSecond: 40.1,
  best: 21,
  p50: 25,
  p95: 80,
  p99: 99,
  bareMs: 40,
  ratio: 0.8,
  fsyncMs: 0.4,
};
const near: Detail = { row, steps: { round: 10, total: 22 }, retries: 0 };
const far: Detail = {
  row: { ...row, delayMs: 50, best: 125, p50: 131, perSecond: 7.6 },
  steps: { round: 112, total: 124 },
  retries: 3,
};

const cells = (line: string | undefined): readonly string[] => line?.trim().split(/\s{2,}/) ?? [];
const after = (text: string, head: string): readonly string[] => {
  const lines = text.split('\n');
  return lines.slice(lines.findIndex((line) => line.includes(head)) + 1);
};

it('tells the delay of each row, in rates and in steps', () => {
  const text = tables([near, far]);
  const [heads, first, second] = after(text, 'library alone');
  expect(cells(heads).slice(0, 5)).toEqual(['scheme', 'size', 'delay', 'in flight', 'count']);
  expect(cells(first).slice(0, 8)).toEqual(['EdDSA', '2 of 3', '0', '1', '200', '40.1', '21.0', '25.0']);
  expect(cells(second).slice(0, 8)).toEqual(['EdDSA', '2 of 3', '50', '1', '200', '7.6', '125.0', '131.0']);
  expect(cells(second).at(-1)).toBe('3');
  const steps = after(text, 'median ms by step');
  expect(cells(steps[0])).toContain('total');
  expect(cells(steps[2])).toEqual(['EdDSA', '2 of 3', '50', '1', '-', '-', '-', '112.00', '-', '-', '124.00']);
});

it('says what a delay adds, and with one in flight how many round trips between signers that is', () => {
  const busy = [near, far].map((each) => ({ ...each, row: { ...each.row, inFlight: 8 } }));
  const [heads, ...rows] = after(tables([far, near, ...busy]), 'how many round trips');
  expect(cells(heads)).toEqual(['scheme', 'size', 'delay', 'in flight', 'best', 'p50', 'total', 'round trips']);
  expect(rows.map(cells)).toEqual([
    ['EdDSA', '2 of 3', '50', '1', '104.0', '106.0', '102.0', '1.04'],
    ['EdDSA', '2 of 3', '50', '8', '104.0', '106.0', '102.0', '-'],
  ]);
});

it('compares only what is alike', () => {
  const other = [{ scheme: 'Schnorr' as const }, { n: 5 }, { inFlight: 8 }];
  for (const change of other)
    expect(tables([{ ...near, row: { ...row, ...change } }, far])).not.toContain('round trips');
  expect(tables([near])).not.toContain('round trips');
});
