import { expect, it } from 'vitest';
import { Turns } from './turns.ts';

it('work of one key waits for what was asked before, failed or not, and for no other key', async () => {
  const turns = new Turns();
  const done: string[] = [];
  const first = Promise.withResolvers<void>();
  const slow = turns.take('a', async () => {
    await first.promise;
    done.push('a1');
    throw new Error('failed');
  });
  const next = turns.take('a', async () => done.push('a2'));
  await turns.take('b', async () => done.push('b'));
  expect(done).toEqual(['b']);
  first.resolve();
  await expect(slow).rejects.toThrow('failed');
  expect(await next).toBe(3);
  expect(done).toEqual(['b', 'a1', 'a2']);
});
