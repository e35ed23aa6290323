import { describe, expect, it } from 'vitest';
import type { Clock } from '../../common/clock.ts';
import { PeerQueue } from './peer-queue.ts';

/** A clock whose pauses end when they are asked to; `pauses` are those that wait, in milliseconds. */
function manual(): { readonly clock: Clock; readonly pauses: () => number[]; readonly pass: () => Promise<void> } {
  let waiting: { readonly ms: number; readonly run: () => void }[] = [];
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    after: (ms, run) => {
      waiting.push({ ms, run });
      return () => {};
    },
  };
  const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
  return {
    clock,
    pauses: () => waiting.map(({ ms }) => ms),
    pass: async () => {
      await settled();
      const due = waiting;
      waiting = [];
      for (const { run } of due) run();
      await settled();
    },
  };
}

describe('work that peers cause', () => {
  it('runs one after another for each peer, a turn apart, and a second after a peer was wrong', async () => {
    const { clock, pauses, pass } = manual();
    const queue = new PeerQueue(clock);
    const ran: string[] = [];
    const add = (peer: string, name: string, end: () => Promise<boolean>): boolean =>
      queue.add(peer, 1, () => {
        ran.push(name);
        return end();
      });
    add('a', 'a1', async () => true);
    add('a', 'a2', async () => false);
    add('a', 'a3', () => Promise.reject(new Error('broken')));
    add('a', 'a4', async () => true);
    add('b', 'b1', async () => true);
    expect(ran).toEqual(['a1', 'b1']);
    await pass();
    expect([ran.at(-1), pauses()]).toEqual(['a2', [1_000]]);
    await pass();
    expect([ran.at(-1), pauses()]).toEqual(['a3', [1_000]]);
    await pass();
    expect([ran.at(-1), pauses()]).toEqual(['a4', [0]]);
    await pass();
    add('a', 'a5', async () => true);
    expect(ran.at(-1)).toBe('a5');
  });

  it('waits within bounds of number and bytes, until the peer is gone', async () => {
    const { clock, pass } = manual();
    const queue = new PeerQueue(clock);
    let ran = 0;
    const add = (bytes: number): boolean =>
      queue.add('a', bytes, async () => {
        ran++;
        return true;
      });
    expect([add(1), add(4 << 20), add(1)]).toEqual([true, true, false]);
    queue.drop('a');
    expect(Array.from({ length: 66 }, () => add(1)).filter(Boolean)).toHaveLength(64);
    queue.drop('a');
    await pass();
    expect(ran).toBe(1);
  });
});
