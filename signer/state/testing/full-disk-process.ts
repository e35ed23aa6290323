import { rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, Refused } from '../../../common/errors.ts';
import { verifyChain } from '../../../statement/audit.ts';
import { openStore } from '../sqlite-store.ts';
import type { Change, Store } from '../store.ts';
import { digestOf, now, release, requestRow } from './changes.ts';

/*
 * A process for the test of a full disk, run where FOLDER is a small file system of its own. Prints what each write
 * came to, as JSON by name. `node full-disk-process.ts FOLDER`
 */
const [folder = ''] = process.argv.slice(2);
const reserveBytes = 1 << 20;
const ballast = join(folder, 'ballast');
const results: Record<string, unknown> = {};
const problems: string[] = [];
const open = (): Promise<Store> =>
  openStore(join(folder, 'state'), {
    onFailure: (error) => {
      results['failure'] = error.message;
    },
    onProblem: (problem) => problems.push(problem === '' ? 'room' : 'full'),
    reserveBytes,
  });
const hasReserve = (): boolean =>
  statSync(join(folder, 'state', 'reserve'), { throwIfNoEntry: false })?.size === reserveBytes;
const fate = (change: Change): Promise<string> =>
  store.write(change).then(
    () => 'written',
    (error: unknown) => (error instanceof Refused ? `${error.reason}: ${error.message}` : messageOf(error)),
  );

const reservation = (n: number): Change => ({
  requests: [requestRow(n, { state: 'Reserved' })],
  ledger: [{ digest: digestOf(n), at: now, effects: '[]', state: 'Reserved' }],
  audit: [{ type: 'Reserved', digest: digestOf(n) }],
  now,
});
const learned = (n: number): Change => ({
  requests: [requestRow(n)],
  ledger: [{ digest: digestOf(n), at: now, effects: '[]', state: 'Spent' }],
  audit: [{ type: 'SpendLearned', digest: digestOf(n) }],
  now,
});
const ban: Change = {
  peers: [
    {
      name: 'client',
      head: { sequence: 1n, hash: new Uint8Array(32) },
      signed: undefined,
      spends: 0n,
      fenced: 'cheated',
      strikes: 0,
    },
  ],
  audit: [{ type: 'CulpritFound', culprit: 'client' }],
  now,
};
/** Large enough that no slack in files that are there takes it. */
const large: Change = { meta: { large: new Uint8Array(1 << 19) }, now };

function fillDisk(): void {
  for (let size = 1 << 20, part = 0; size >= 512; part++)
    try {
      writeFileSync(`${ballast}${part}`, new Uint8Array(size));
    } catch {
      rmSync(`${ballast}${part}`, { force: true });
      size /= 2;
    }
}

function freeDisk(): void {
  for (let part = 0; part < 100; part++) rmSync(`${ballast}${part}`, { force: true });
}

let store = await open();
results['before'] = [await fate(reservation(1)), hasReserve(), store.problem];
fillDisk();
results['ordinary on the full disk'] = [await fate(large), hasReserve(), store.problem];
results['while it is full'] = await Promise.all([
  fate(reservation(2)),
  fate(learned(3)),
  fate(release(4)),
  fate(ban),
  fate({ ...learned(1), releases: [{ digest: digestOf(1), at: now }] }),
]);
results['many spends'] = [...new Set(await Promise.all(Array.from({ length: 50 }, (_, n) => fate(learned(100 + n)))))];
await store.close();
store = await open();
results['opened again while it is full'] = [store.problem, await fate(reservation(5)), await fate(learned(6))];
freeDisk();
// Nobody writes: it is seen all the same.
for (let tries = 0; store.problem !== '' && tries < 500; tries++) await sleep(20);
results['when there is space again'] = [
  store.problem,
  await fate(reservation(7)),
  await fate(release(8)),
  hasReserve(),
];
results['on disk'] = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => store.ledger(digestOf(n))?.state ?? 'none');
results['told'] = problems;
results['fenced'] = store.load().peers.map((p) => p.fenced);
results['chain'] = verifyChain(store.auditAfter(0n, 1_000)).head.sequence === store.head.sequence;
await store.close();
process.stdout.write(JSON.stringify(results));
