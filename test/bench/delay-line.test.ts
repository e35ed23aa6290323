import { expect, it } from 'vitest';
import { manualClock } from '../../common/testing/manual-clock.ts';
import { DelayLine } from './delay-line.ts';

function line(delayMs: number) {
  const clock = manualClock();
  const arrived: [item: string, at: number][] = [];
  return { clock, arrived, line: new DelayLine<string>(clock, delayMs, (item) => arrived.push([item, clock.now()])) };
}

it('hands on each item its delay later, in order', async () => {
  const { clock, arrived, line: delayed } = line(50);
  delayed.push('a');
  await clock.pass(20);
  delayed.push('b');
  delayed.push('c');
  await clock.pass(29);
  expect(arrived).toEqual([]);
  await clock.pass(100);
  expect(arrived).toEqual([
    ['a', 50],
    ['b', 70],
    ['c', 70],
  ]);
});

it('lets as much be under way as comes', async () => {
  const { clock, arrived, line: delayed } = line(50);
  for (let i = 0; i < 200; i++) {
    delayed.push(String(i));
    await clock.pass(1);
  }
  await clock.pass(50);
  expect(arrived).toEqual(Array.from({ length: 200 }, (_, i) => [String(i), i + 50]));
  expect(clock.pending()).toBe(0);
});

it('waits on where its timer fires early', () => {
  let now = 0;
  const timers: (() => void)[] = [];
  const arrived: string[] = [];
  const clock = {
    now: () => now,
    monotonic: () => now,
    after: (_ms: number, run: () => void) => (timers.push(run), () => {}),
  };
  const delayed = new DelayLine<string>(clock, 50, (item) => arrived.push(item));
  delayed.push('a');
  now = 49.4;
  timers.shift()?.();
  expect(arrived).toEqual([]);
  now = 50;
  timers.shift()?.();
  expect([arrived, timers]).toEqual([['a'], []]);
});

it('loses what is under way when it is told to, and goes on', async () => {
  const { clock, arrived, line: delayed } = line(10);
  delayed.push('a');
  delayed.clear();
  await clock.pass(5);
  delayed.push('b');
  await clock.pass(20);
  expect(arrived).toEqual([['b', 15]]);
});

it('takes what is pushed while it hands on', async () => {
  const clock = manualClock();
  const arrived: number[] = [];
  const delayed: DelayLine<number> = new DelayLine(clock, 10, (item) => {
    arrived.push(item);
    if (item < 3) delayed.push(item + 1);
  });
  delayed.push(1);
  await clock.pass(30);
  expect(arrived).toEqual([1, 2, 3]);
});
