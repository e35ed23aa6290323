import { expect, it } from 'vitest';
import type { Change, KeyRow } from '../state/store.ts';
import { KeyRecord } from './key-record.ts';

const row: KeyRow = {
  name: 'solana',
  scheme: 'EdDSA',
  state: 'Wanted',
  attempt: 0,
  abandoned: 0,
  sealed: new Uint8Array(),
  certificate: new Uint8Array(),
  signatures: '{}',
};

/** A disk whose writes end when the test says so. */
function disk() {
  const writes: { readonly change: Pick<Change, 'keys' | 'audit'>; readonly end: (error?: Error) => void }[] = [];
  const write = (change: Pick<Change, 'keys' | 'audit'>): Promise<void> =>
    new Promise((resolve, reject) => {
      writes.push({ change, end: (error) => (error === undefined ? resolve() : reject(error)) });
    });
  return { writes, write };
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

it('is what is on disk, and each change is made from what the one before left there', async () => {
  const { writes, write } = disk();
  const record = new KeyRecord(row, true, write);
  const next = () => record.change((now) => ({ row: { ...now, abandoned: now.abandoned + 1 } }));
  const [first, second] = [next(), next()];
  await turn();
  expect(record.row).toBe(row);
  expect(writes).toHaveLength(1);
  writes[0]?.end();
  await first;
  expect(record.row.abandoned).toBe(1);
  await turn();
  expect(writes[1]?.change.keys?.[0]?.abandoned).toBe(2);
  writes[1]?.end();
  await second;
  expect(record.row.abandoned).toBe(2);
});

it('stays as it is where a change is refused or cannot be written, and takes the next', async () => {
  const { writes, write } = disk();
  const record = new KeyRecord(row, true, write);
  const refused = record.change(() => {
    throw new Error('not now');
  });
  const failed = record.change((now) => ({ row: { ...now, abandoned: 1 } }));
  const none = record.change(() => undefined);
  await expect(refused).rejects.toThrow('not now');
  writes[0]?.end(new Error('disk full'));
  await expect(failed).rejects.toThrow('disk full');
  await none;
  expect(record.row).toBe(row);
  expect(writes).toHaveLength(1);
});

it('is kept once, after a failed write by the next try', async () => {
  const { writes, write } = disk();
  const record = new KeyRecord(row, false, write);
  const failed = record.keep();
  await turn();
  writes[0]?.end(new Error('disk full'));
  await expect(failed).rejects.toThrow('disk full');
  const kept = [record.keep(), record.keep()];
  await turn();
  writes[1]?.end();
  await Promise.all(kept);
  expect(writes.map(({ change }) => change.keys)).toEqual([[row], [row]]);
});
