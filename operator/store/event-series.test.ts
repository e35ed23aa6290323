import { describe, expect, it } from 'vitest';
import { addEvent } from './event-series.ts';
import type { StoredEvent } from './resource-store.ts';

const event = (reason: string, message: string) => ({ type: 'Normal', reason, message }) as const;
const all = (steps: readonly (readonly [number, string, string])[]): readonly StoredEvent[] =>
  steps.reduce<readonly StoredEvent[]>(
    (events, [now, reason, message]) => addEvent(events, event(reason, message), now),
    [],
  );

describe('events of an object', () => {
  it('are counted where they repeat within a minute of the first, and begin anew after it', () => {
    const events = all([
      [0, 'A', 'x'],
      [59_999, 'A', 'x'],
      [60_000, 'A', 'x'],
      [61_000, 'A', 'y'],
      [62_000, 'B', 'x'],
    ]);
    expect(
      events.map(({ reason, message, count, firstTimestamp, lastTimestamp }) => [
        reason,
        message,
        count,
        firstTimestamp.slice(14, 19),
        lastTimestamp.slice(14, 19),
      ]),
    ).toEqual([
      ['A', 'x', 2, '00:00', '00:59'],
      ['A', 'x', 1, '01:00', '01:00'],
      ['A', 'y', 1, '01:01', '01:01'],
      ['B', 'x', 1, '01:02', '01:02'],
    ]);
  });

  it('stand where they happened, also when they are told late', () => {
    const events = all([
      [10_000, 'A', 'failed'],
      [20_000, 'B', 'signed'],
      [12_000, 'A', 'failed'],
      [15_000, 'C', 'late'],
    ]);
    expect(events.map(({ message, count, lastTimestamp }) => [message, count, lastTimestamp.slice(14, 19)])).toEqual([
      ['failed', 2, '00:12'],
      ['late', 1, '00:15'],
      ['signed', 1, '00:20'],
    ]);
  });

  it('are bounded, and many of one reason never push out those of another', () => {
    const events = all([
      [0, 'KeysGenerated', 'all'],
      ...Array.from({ length: 1000 }, (_, i) => [i, 'PolicyDenied', `request ${i}`] as const),
    ]);
    expect(events).toHaveLength(9);
    expect(events[0]).toMatchObject({ reason: 'KeysGenerated' });
    expect(events.at(-1)).toMatchObject({ message: 'request 999' });
    const reasons = all(Array.from({ length: 1000 }, (_, i) => [i, `R${i}`, 'x'] as const));
    expect(reasons).toHaveLength(32);
    expect(addEvent([], event('A', 'x'.repeat(1e6)), 0)[0]?.message).toHaveLength(1024);
  });
});
