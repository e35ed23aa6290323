import { expect, it } from 'vitest';
import { parseOptions } from './options.ts';

it('measures 2 of 3 in detail and other sizes too, unless it has to be quick', () => {
  expect(parseOptions([])).toMatchObject({
    json: false,
    start: false,
    schemes: ['EdDSA', 'Schnorr'],
    inFlight: [1, 8, 32],
  });
  expect(parseOptions(['--start'])).toMatchObject({ start: true });
  expect(parseOptions([])?.sizes.length).toBeGreaterThan(1);
  expect(parseOptions(['--quick', '--json'])).toMatchObject({ json: true, sizes: [{ t: 2, n: 3 }], inFlight: [1, 32] });
  expect(parseOptions(['--scheme', 'Schnorr', '--seconds', '2'])).toMatchObject({ schemes: ['Schnorr'], seconds: 2 });
});

it('gives help instead of options where that is asked for', () => {
  expect(parseOptions(['--help'])).toBeUndefined();
});

it.each([
  [['--delay', '50'], '--delay: want 0, got 50'],
  [['--scheme', 'ECDSA'], '--scheme: want EdDSA or Schnorr, got ECDSA'],
  [['--seconds', 'soon'], '--seconds: want 1 to 600, got soon'],
  [['--seconds', '0'], '--seconds: want 1 to 600, got 0'],
  [['--start', '--json'], '--start: its figures are no rows of --json'],
  [['--fast'], '--fast'],
  [['EdDSA'], 'EdDSA'],
])('refuses %j', (args, message) => {
  expect(() => parseOptions(args)).toThrow(message);
});
