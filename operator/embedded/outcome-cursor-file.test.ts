import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { silentLog } from '../../common/log.ts';
import { temporaryFolder } from '../store/testing/folder.ts';
import { manualClock } from '../../common/testing/manual-clock.ts';
import { openOutcomeCursors } from './outcome-cursor-file.ts';

const id = { wallet: 'payments/treasury', holder: 'client' };

test('cursors outlive the operator, written seldom', async () => {
  const folder = temporaryFolder();
  const clock = manualClock();
  const first = await openOutcomeCursors(folder, clock, silentLog);
  expect(first.get(id)).toBeUndefined();
  for (let at = 1n; at <= 1000n; at++) first.set(id, at);
  expect(clock.pending()).toBe(1);
  await first.close();
  expect(readFileSync(join(folder, 'outcomes.json'), 'utf8')).toBe('{"payments/treasury/client":"1000"}\n');
  expect((await openOutcomeCursors(folder, clock, silentLog)).get(id)).toBe(1000n);
});

test.each(['', '[]', '{"a":1}', '{"a":"-1"}', 'nonsense'])('a file that says %j is begun anew', async (content) => {
  const folder = temporaryFolder({ 'outcomes.json': content });
  const cursors = await openOutcomeCursors(folder, manualClock(), silentLog);
  expect(cursors.get(id)).toBeUndefined();
});
