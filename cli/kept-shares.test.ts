import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { keptShares } from './kept-shares.ts';

test('of a wallet that is gone only what its signers left counts', () => {
  const state = mkdtempSync(join(tmpdir(), 'holdfast-kept-'));
  const folder = join(state, 'signers', 'payments', 'treasury');
  expect(keptShares(state, 'payments', 'treasury')).toBeUndefined();
  mkdirSync(join(folder, 'client', 'data'), { recursive: true });
  expect(keptShares(state, 'payments', 'treasury')).toBeUndefined();
  writeFileSync(join(folder, 'client', 'data', 'state.db'), '');
  expect(keptShares(state, 'payments', 'treasury')).toBe(
    `its shares are kept in ${folder}: put its manifest back to use them`,
  );
});
