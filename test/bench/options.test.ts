import { expect, it } from 'vitest';
import { parseOptions } from './options.ts';

it('measures 2 of 3 in detail and other sizes too, unless it has to be quick', () => {
  expect(parseOptions([])).toMatchObject({
    json: false,
    start: false,
    schemes: ['EdDSA', 'Schnorr', 'ECDSA'],
    inFlight: [1, 8, 32],
  });
  expect(parseOptions(['--start'])).toMatchObject({ start: true });
  expect(new Set(parseOptions([])?.cases.map(({ t, n }) => `${t} of ${n}`)).size).toBeGreaterThan(1);
  expect(parseOptions(['--quick', '--json'])).toMatchObject({
    json: true,
    cases: [{ t: 2, n: 3, delayMs: 0, delayClient: false }],
    inFlight: [1, 32],
  });
  expect(parseOptions(['--engine', 'noble'])).toMatchObject({ engine: 'noble' });
  expect(parseOptions([])).toMatchObject({ engine: undefined });
  expect(parseOptions(['--scheme', 'Schnorr', '--seconds', '2'])).toMatchObject({ schemes: ['Schnorr'], seconds: 2 });
});

it('puts signers apart at 2 of 3, and at every size where that is asked for', () => {
  const delays = (args: readonly string[], n: number): readonly number[] | undefined =>
    parseOptions(args)?.cases.flatMap((each) => (each.n === n ? [each.delayMs] : []));
  expect(delays([], 3)).toEqual([0, 10, 50, 100]);
  expect(delays([], 9)).toEqual([0]);
  expect(delays(['--delay', '0,50,50'], 3)).toEqual([0, 50]);
  expect(delays(['--delay', '0,50'], 9)).toEqual([0, 50]);
  expect(delays(['--quick'], 3)).toEqual([0]);
  expect(parseOptions(['--quick', '--delay', '50', '--delay-client'])?.cases).toEqual([
    { t: 2, n: 3, delayMs: 50, delayClient: true },
  ]);
});

it('loads one wallet steadily for the minutes that it is told, or for ten', () => {
  expect(parseOptions([])?.steadyMinutes).toBeUndefined();
  expect(parseOptions(['--steady'])).toMatchObject({
    steadyMinutes: 10,
    inFlight: [32],
    cases: [{ n: 3, delayMs: 0 }],
  });
  expect(parseOptions(['--steady', '--json'])).toMatchObject({ steadyMinutes: 10, json: true });
  expect(parseOptions(['--steady', '60', '--delay', '50'])).toMatchObject({
    steadyMinutes: 60,
    cases: [{ t: 2, n: 3, delayMs: 50 }],
  });
});

it('gives help instead of options where that is asked for', () => {
  expect(parseOptions(['--help'])).toBeUndefined();
});

it.each([
  [['--delay', '50ms'], '--delay: want milliseconds from 0 to 1000, separated by commas, got 50ms'],
  [['--delay', '0,1001'], 'got 0,1001'],
  [['--delay', ''], '--delay: want'],
  [['--delay-client'], '--delay-client: want --delay'],
  [['--delay-client', '--delay', '0'], '--delay-client: want --delay'],
  [['--steady', '1'], '--steady: want 2 to 1440 minutes, got 1'],
  [['--steady', '2.5'], 'got 2.5'],
  [['--steady', '--delay', '0,50'], '--steady: want one delay, got 0,50'],
  [['--steady', '--start'], 'want one of them'],
  [['--engine', 'native'], '--engine: want noble or frost, got native'],
  [['--scheme', 'BLS'], '--scheme: want EdDSA or Schnorr or ECDSA, got BLS'],
  [['--seconds', 'soon'], '--seconds: want 1 to 600, got soon'],
  [['--seconds', '0'], '--seconds: want 1 to 600, got 0'],
  [['--start', '--json'], '--start: its figures are no rows of --json'],
  [['--fast'], '--fast'],
  [['EdDSA'], 'EdDSA'],
])('refuses %j', (args, message) => {
  expect(() => parseOptions(args)).toThrow(message);
});
