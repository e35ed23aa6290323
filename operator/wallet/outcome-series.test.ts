import { expect, test } from 'vitest';
import type { Key } from '../api/resource.ts';
import { manualClock } from '../../common/testing/manual-clock.ts';
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

test('of what happens often there is one event, then one a minute with what came since', async () => {
  const { clock, written, series: s } = series();
  for (let n = 1; n <= 3; n++) {
    s.add(wallet, outcome(n));
    await clock.pass(1_000);
  }
  await clock.pass(60_000);
  for (let n = 4; n <= 8; n++) s.add(wallet, outcome(n));
  await clock.pass(120_000);
  s.add(wallet, outcome(9));
  expect(written).toEqual([
    '0 treasury CeremonySucceeded: request 1',
    '60 treasury CeremonySucceeded: request 3; request 2',
    '120 treasury CeremonySucceeded: request 8; request 7; request 6; and 2 more since',
    '183 treasury CeremonySucceeded: request 9',
  ]);
});

test('what is withdrawn before it is written is not', async () => {
  const { clock, written, series: s } = series();
  for (const n of [1, 2, 3]) s.add(wallet, outcome(n, 'CeremonyFailed'));
  for (const n of [1, 3]) s.withdraw(wallet, 'CeremonyFailed', outcome(n).about);
  s.withdraw(other, 'CeremonyFailed', outcome(2).about);
  await clock.pass(60_000);
  expect(written.slice(1)).toEqual(['60 treasury CeremonyFailed: request 2']);
});

test('of more than are held only the number is kept', async () => {
  const { clock, written, series: s } = series();
  for (let n = 1; n <= 5_000; n++) s.add(wallet, outcome(n));
  await clock.pass(60_000);
  expect(written.slice(1)).toEqual([
    '60 treasury CeremonySucceeded: request 5000; request 4999; request 4998; and 4996 more since',
  ]);
});

test('reasons and objects do not wait for one another', () => {
  const { written, series: s } = series();
  for (const n of [1, 2]) s.add(wallet, outcome(n));
  s.add(wallet, outcome('b', 'CeremonyFailed'));
  s.add(other, outcome('c'));
  expect(written).toHaveLength(3);
});

test('a closed series writes nothing more', async () => {
  const { clock, written, series: s } = series();
  for (const n of [1, 2]) s.add(wallet, outcome(n));
  s.close();
  await clock.pass(120_000);
  expect(written).toHaveLength(1);
  expect(clock.pending()).toBe(0);
});
