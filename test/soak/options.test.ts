import { expect, it } from 'vitest';
import { parseOptions } from './options.ts';
import { scenarios } from './scenarios.ts';

const parse = (...args: string[]) => {
  const options = parseOptions(args, () => 42);
  if (options === undefined) throw new Error('help was asked for');
  return options;
};

it('runs a hundred thousand schedules from any seed unless told otherwise', () => {
  const options = parse();
  expect(options.seed).toBe(42);
  expect(options.schedules * scenarios.length).toBeGreaterThanOrEqual(100_000);
  expect(options.parts).toEqual(['simulation', 'engines', 'processes']);
  expect(options.counts).toMatchObject({ 'keygen-kills': 500, 'signing-kills': 3_000 });
});

it('leaves out of a quick run what is not begun in time', () => {
  expect(parse('--quick').seconds).toBeLessThan(15 * 60);
  expect(parse().seconds).toBe(Number.POSITIVE_INFINITY);
});

it('takes a seed, a number of runs and one scenario', () => {
  expect(parse('--seed', '9', '--runs', '1', '--scenario', '2 of 3 sign', '--only', 'simulation')).toMatchObject({
    seed: 9,
    schedules: 1,
    scenario: '2 of 3 sign',
    parts: ['simulation'],
  });
});

it('takes a number of rounds for each kind with real processes', () => {
  const args = ['--keygen-kills', '1', '--signing-kills', '2', '--stops', '3', '--floods', '0'];
  expect(parse(...args).counts).toMatchObject({ 'keygen-kills': 1, 'signing-kills': 2, stops: 3, floods: 0 });
});

it('takes one kind with real processes alone', () => {
  const { counts } = parse('--quick', '--kind', 'full-disks');
  expect(Object.entries(counts).filter(([, count]) => count > 0)).toEqual([['full-disks', 10]]);
  expect(() => parse('--kind', 'fire')).toThrow('--kind fire: want one of keygen-kills,');
});

it('takes one kind with engines alone, and how often', () => {
  const { counts } = parse('--quick', '--kind', 'signatures');
  expect(Object.entries(counts).filter(([, count]) => count > 0)).toEqual([['signatures', 5_000]]);
  expect(parse().counts).toMatchObject({ 'flipped-signings': 10_000, 'flipped-keygens': 200, signatures: 100_000 });
  expect(parse('--flipped-signings', '7').counts).toMatchObject({ 'flipped-signings': 7, 'flipped-keygens': 200 });
});

it('knows when help is asked for', () => {
  expect(parseOptions(['--help', '--seed', 'any'], () => 42)).toBeUndefined();
});

it('names what it does not know', () => {
  expect(() => parse('--only', 'dreams')).toThrow('--only dreams: want one of simulation, engines, processes');
  expect(() => parse('--scenario', '9 of 9')).toThrow('--scenario 9 of 9: want one of 2 of 3 sign');
  expect(() => parse('--seed', '-1')).toThrow('--seed');
  expect(() => parse('--seed', 'x')).toThrow('--seed x: want a whole number of at most 4294967295');
});
