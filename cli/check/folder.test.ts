import { expect, test } from 'vitest';
import { checkFolder } from './folder.ts';
import type { FolderFacts } from './folder.ts';

const now = Date.parse('2026-11-27T12:00:00Z');
const well: FolderFacts = {
  folder: '/wallets',
  state: '/wallets/.holdfast',
  wallets: 1,
  problems: [],
  kept: { kind: 'Ours' },
  unwritable: '',
  open: [],
  operator: { pid: 7 },
  freeBytes: 1e9,
  lastChange: now - 1000,
  now,
  pkcs11: { missing: [] },
  close: 'chmod -R go= /wallets/.holdfast',
  up: 'holdfast up /wallets',
};
/** What is found of a folder that is not as it should be, but for one thing of it. */
const found = (over: Partial<FolderFacts>) => checkFolder({ ...well, ...over }).filter(({ level }) => level !== 'ok');

test('a folder where all is well has a line for each check', () => {
  expect(found({})).toEqual([]);
  expect(checkFolder(well).map(({ id }) => id)).toEqual([
    'manifests',
    'state-folder',
    'state-permissions',
    'disk',
    'clock',
    'pkcs11',
    'operator',
  ]);
});

test('a folder that nobody has used yet is ready for an operator', () => {
  const fresh = checkFolder({
    ...well,
    kept: { kind: 'None' },
    operator: undefined,
    lastChange: 0,
    pkcs11: undefined,
  });
  expect(fresh.map(({ id, level }) => `${id} ${level}`)).toEqual([
    'manifests ok',
    'state-folder ok',
    'disk ok',
    'operator note',
  ]);
});

test('each problem of a manifest is an error, as one line, and many are not all told', () => {
  expect(found({ problems: ['a.yaml: spec.threshold: want 2 to 9\u001b[31m\nnext'] })).toMatchObject([
    { id: 'manifests', level: 'error', what: 'a.yaml: spec.threshold: want 2 to 9 [31m next' },
  ]);
  const many = found({ problems: Array.from({ length: 30 }, (_, i) => `${i}.yaml: is empty`) });
  expect(many).toHaveLength(5);
  expect(many.at(-1)?.what).toBe('and 26 more problems');
  expect(found({ problems: Array.from({ length: 5 }, (_, i) => `${i}.yaml: is empty`) }).at(-1)?.what).toBe(
    '4.yaml: is empty',
  );
});

test.each([
  ['no wallet', { wallets: 0 }, 'manifests', 'warning', 'there is no Wallet'],
  [
    'a state of another version',
    { kept: { kind: 'Broken', message: 'want version 1, got 2' } },
    'state-folder',
    'error',
    'got 2',
  ],
  [
    'a state that cannot be written',
    { unwritable: 'EROFS' },
    'state-folder',
    'error',
    'cannot write to /wallets/.holdfast: EROFS',
  ],
  [
    'files that others may read',
    { open: ['.holdfast', '.holdfast/seals'] },
    'state-permissions',
    'warning',
    '2 files of it: .holdfast, .holdfast/seals',
  ],
  ['a disk that is nearly full', { freeBytes: 255_999_999 }, 'disk', 'warning', '255 MB free'],
  ['a clock that was set back', { lastChange: now + 60_001 }, 'clock', 'warning', '2026-11-27T12:01:00'],
  ['a module that is missing', { pkcs11: { missing: ['there is no module /m.so'] } }, 'pkcs11', 'error', '/m.so'],
  ['no operator', { operator: undefined }, 'operator', 'note', 'none runs'],
] as const)('%s is found', (_, over, id, level, what) => {
  expect(found(over)).toMatchObject([{ id, level, what: expect.stringContaining(what) as unknown }]);
});

test('a list of files is not longer than a screen', () => {
  const [finding] = found({ open: Array.from({ length: 900 }, (_, i) => `f${i}`) });
  expect(finding?.what).toBe(
    'others than its user may read or write 900 files of it: f0, f1, f2, f3, f4, and 895 more',
  );
});

test('clocks that differ as much as signers allow, and a file system that does not say, are fine', () => {
  expect(found({ lastChange: now + 60_000 })).toEqual([]);
  expect(found({ freeBytes: undefined })).toEqual([]);
});
