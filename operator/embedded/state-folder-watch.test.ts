import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { UserError } from '../../common/errors.ts';
import { temporaryFolder } from '../store/testing/folder.ts';
import { manualClock } from '../../common/testing/manual-clock.ts';
import { watchStateFolder } from './state-folder-watch.ts';

function watched() {
  const state = join(temporaryFolder(), '.holdfast');
  mkdirSync(state);
  const clock = manualClock();
  const gone: UserError[] = [];
  const end = watchStateFolder(state, clock, (error) => gone.push(error));
  return { state, clock, gone, end };
}

test.each([
  ['moved away', () => {}],
  ['replaced by another', (state: string) => mkdirSync(state)],
])('a state folder that is %s is noticed, once', async (_, then) => {
  const { state, clock, gone } = watched();
  await clock.pass(10_000);
  expect(gone).toEqual([]);
  renameSync(state, `${state}-away`);
  then(state);
  await clock.pass(10_000);
  expect(gone.map(({ message }) => message)).toEqual([
    `the state folder ${state} was moved or deleted while the operator ran`,
  ]);
  expect(clock.pending()).toBe(0);
});

test('whoever ends the watch is told nothing more', async () => {
  const { state, clock, gone, end } = watched();
  end();
  renameSync(state, `${state}-away`);
  await clock.pass(10_000);
  expect(gone).toEqual([]);
});
