import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { silentLog } from '../common/log.ts';
import { runEmbedded } from './embedded.ts';
import { temporaryFolder } from './store/testing/folder.ts';

test('an operator whose state folder is moved away ends, and leaves nothing in its place', async () => {
  const dir = temporaryFolder();
  const state = join(dir, '.holdfast');
  const { ended } = await runEmbedded({ dir, signal: new AbortController().signal, log: silentLog, stopSigners: true });
  renameSync(state, `${state}-away`);
  await expect(ended).rejects.toMatchObject({
    name: 'UserError',
    message: `the state folder ${state} was moved or deleted while the operator ran`,
  });
  expect(existsSync(state)).toBe(false);
});

test('an operator that is told to stop before it is at work stops at once', async () => {
  const dir = temporaryFolder();
  const { ended } = await runEmbedded({ dir, signal: AbortSignal.abort(), log: silentLog });
  await expect(ended).resolves.toBeUndefined();
});
