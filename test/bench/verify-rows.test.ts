import { expect, it } from 'vitest';
import type { Row } from './row.ts';
import { missed, parseRows } from './verify-rows.ts';

const row: Row = {
  scheme: 'EdDSA',
  engine: 'noble',
  t: 2,
  n: 3,
  inFlight: 32,
  delayMs: 0,
  count: 200,
  perSecond: 40.1,
  best: 30,
  p50: 55,
  p95: 80,
  p99: 99,
  bareMs: 40,
  ratio: 0.8,
  fsyncMs: 0.4,
};

it('reads one row a line', () => {
  const text = `${JSON.stringify(row)}\n${JSON.stringify({ ...row, scheme: 'Schnorr' })}\n`;
  expect(parseRows(text)).toEqual([row, { ...row, scheme: 'Schnorr' }]);
});

it.each([
  ['', 'got none'],
  ['> holdfast bench\n', 'row 1'],
  [`${JSON.stringify(row)}\nwarming up\n`, 'row 2'],
  [JSON.stringify({ ...row, extra: 1 }), 'want members'],
  [JSON.stringify({ ...row, ratio: null }), 'ratio: want a number'],
  [JSON.stringify({ ...row, p50: 200 }), 'out of order'],
  [JSON.stringify({ ...row, count: 0 }), 'do not fit'],
])('refuses %j', (text, message) => {
  expect(() => parseRows(text)).toThrow(message);
});

it('names targets that are missed', () => {
  expect(missed([row])).toEqual([]);
  expect(missed([{ ...row, ratio: 0.4 }])).toEqual([expect.stringContaining('want 0.5')]);
  expect(missed([{ ...row, scheme: 'Schnorr', inFlight: 1, p50: 36 }])).toEqual([expect.stringContaining('under 35')]);
});

it('wants as many of the addon as were seen, whatever it could do alone', () => {
  const fast: Row = { ...row, engine: 'frost', perSecond: 460, ratio: 0.2 };
  expect(missed([fast])).toEqual([]);
  expect(missed([{ ...fast, perSecond: 440 }])).toEqual(['EdDSA: 440 a second at 32 in flight, want 450']);
  expect(missed([{ ...fast, inFlight: 1, p50: 7.5 }])).toEqual([expect.stringContaining('under 7')]);
});

it('gives signers that are apart one round trip more than on loopback', () => {
  const apart = { ...row, delayMs: 50, ratio: 0.1, p95: 300, p99: 300 };
  expect(missed([row, { ...apart, p50: 175 }])).toEqual([]);
  expect(missed([{ ...apart, p50: 176 }, row])).toEqual([expect.stringMatching(/50 ms apart: p50 176 ms.*, 175$/)]);
  // Of another number in flight, size or scheme it says nothing.
  for (const other of [{ inFlight: 1, p50: 50 }, { n: 5 }, { scheme: 'Schnorr' as const }])
    expect(
      missed([
        { ...row, ...other },
        { ...apart, p50: 176 },
      ]),
    ).toEqual([]);
});
