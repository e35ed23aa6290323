import { expect, test } from 'vitest';
import type { Key } from '../api/resource.ts';
import { manualClock } from '../testing/manual-clock.ts';
import { OutcomeSeries } from './outcome-series.ts';

const wallet: Key = { kind: 'Wallet', namespace: 'payments', name: 'treasury' };
const other: Key = { ...wallet, name: 'other' };

function series() {
  const clock = manualClock();
  const written: string[] = [];
  const made = new OutcomeSeries(clock, (key, _, reason, message) =>
    written.push(`${clock.now() / 1000} ${key.name} ${reason}: ${message}`),
  );
  return { clock, written, series: made };
}

test('of what happens often there is one event a minute, with its number', async () => {
  const { clock, written, series: s } = series();
  for (let n = 1; n <= 5; n++) {
    s.add(wallet, 'Normal', 'CeremonySucceeded', `request ${n}`);
    await clock.pass(1_000);
  }
  await clock.pass(60_000);
  s.add(wallet, 'Normal', 'CeremonySucceeded', 'request 6');
  await clock.pass(120_000);
  s.add(wallet, 'Normal', 'CeremonySucceeded', 'request 7');
  expect(written).toEqual([
    '0 treasury CeremonySucceeded: request 1',
    '60 treasury CeremonySucceeded: request 5 (and 3 more since)',
    '120 treasury CeremonySucceeded: request 6',
    '185 treasury CeremonySucceeded: request 7',
  ]);
});

test('reasons and objects do not wait for one another', () => {
  const { written, series: s } = series();
  s.add(wallet, 'Normal', 'CeremonySucceeded', 'a');
  s.add(wallet, 'Warning', 'CeremonyFailed', 'b');
  s.add(other, 'Normal', 'CeremonySucceeded', 'c');
  expect(written).toHaveLength(3);
});

test('a closed series writes nothing more', async () => {
  const { clock, written, series: s } = series();
  s.add(wallet, 'Normal', 'CeremonySucceeded', 'a');
  s.add(wallet, 'Normal', 'CeremonySucceeded', 'b');
  s.close();
  await clock.pass(120_000);
  expect(written).toHaveLength(1);
  expect(clock.pending()).toBe(0);
});
