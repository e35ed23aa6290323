import { expect, test } from 'vitest';
import type { Key } from '../api/resource.ts';
import { manualClock } from '../testing/manual-clock.ts';
import { OutcomeSeries } from './outcome-series.ts';
import type { Outcome } from './outcome-series.ts';

const wallet: Key = { kind: 'Wallet', namespace: 'payments', name: 'treasury' };
const other: Key = { ...wallet, name: 'other' };

function series() {
  const clock = manualClock();
  const written: string[] = [];
  const made = new OutcomeSeries(clock, (key, { reason, message }) =>
    written.push(`${clock.now() / 1000} ${key.name} ${reason}: ${message}`),
  );
  return { clock, written, series: made };
}

const outcome = (about: number | string, reason: Outcome['reason'] = 'CeremonySucceeded'): Outcome => ({
  type: 'Normal',
  reason,
  message: `request ${about}`,
  at: 0,
  about: `sha256:${about}`,
});

test('of what happens often there are a few events, then one a minute with its number', async () => {
  const { clock, written, series: s } = series();
  for (let n = 1; n <= 8; n++) {
    s.add(wallet, outcome(n));
    await clock.pass(1_000);
  }
  await clock.pass(60_000);
  s.add(wallet, outcome(9));
  await clock.pass(120_000);
  s.add(wallet, outcome(10));
  expect(written).toEqual([
    '0 treasury CeremonySucceeded: request 1',
    '1 treasury CeremonySucceeded: request 2',
    '2 treasury CeremonySucceeded: request 3',
    '3 treasury CeremonySucceeded: request 4',
    '60 treasury CeremonySucceeded: request 8 (and 3 more since)',
    '120 treasury CeremonySucceeded: request 9',
    '188 treasury CeremonySucceeded: request 10',
  ]);
});

test('what is withdrawn before it is written is not', async () => {
  const { clock, written, series: s } = series();
  for (const n of [1, 2, 3, 4, 5, 6]) s.add(wallet, outcome(n, 'CeremonyFailed'));
  for (const n of [1, 6]) s.withdraw(wallet, 'CeremonyFailed', outcome(n).about);
  s.withdraw(other, 'CeremonyFailed', outcome(5).about);
  await clock.pass(60_000);
  expect(written.slice(4)).toEqual(['60 treasury CeremonyFailed: request 5']);
});

test('of more than are held only the number is kept', async () => {
  const { clock, written, series: s } = series();
  for (let n = 1; n <= 5_000; n++) s.add(wallet, outcome(n));
  await clock.pass(60_000);
  expect(written.slice(4)).toEqual(['60 treasury CeremonySucceeded: request 5000 (and 4995 more since)']);
});

test('reasons and objects do not wait for one another', () => {
  const { written, series: s } = series();
  for (const n of [1, 2, 3, 4, 5]) s.add(wallet, outcome(n));
  s.add(wallet, outcome('b', 'CeremonyFailed'));
  s.add(other, outcome('c'));
  expect(written).toHaveLength(6);
});

test('a closed series writes nothing more', async () => {
  const { clock, written, series: s } = series();
  for (const n of [1, 2, 3, 4, 5]) s.add(wallet, outcome(n));
  s.close();
  await clock.pass(120_000);
  expect(written).toHaveLength(4);
  expect(clock.pending()).toBe(0);
});
