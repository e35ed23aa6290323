import { setTimeout as delay } from 'node:timers/promises';
import { silentLog } from '../../../common/log.ts';
import type { SignerId } from '../fleet.ts';
import { openLocalFleet } from '../local-fleet.ts';
import { quickClock, standIn } from './quick-fleet.ts';

/*
 * An operator for tests that kill it: ensures the signers `client` and `backup`, with another spec each time. Prints
 * a line when it begins, and each time that both answer, which it waits for every other time. `node fleet-process.ts FOLDER`
 */
const [folder = ''] = process.argv.slice(2);
const key = new Uint8Array(32);
const fleet = await openLocalFleet({
  folder,
  secrets: { secret: async () => new Map([['kek', key]]) },
  command: standIn,
  log: silentLog,
  clock: quickClock,
});
process.stdout.write('opened\n');
const ids = ['client', 'backup'].map((holder) => ({ wallet: 'payments/treasury', holder, role: 'Client' as const }));
const seal = { kind: 'KeyFile', secret: 'seal', key: 'kek' } as const;
for (let n = 1; ; n++) {
  const operator = `sha256:${(process.pid * 1_000_000 + n).toString().padStart(64, '0')}`;
  await Promise.all(ids.map((id) => fleet.ensure({ ...id, namespace: 'payments', operator, seal })));
  if (n % 2 === 0) continue;
  await Promise.all(ids.map(untilAnswering));
  process.stdout.write('both answer\n');
}

async function untilAnswering(id: SignerId): Promise<void> {
  for (;;)
    try {
      await fetch(`http://${(await fleet.observe(id))?.metricsEndpoint}/`);
      return;
    } catch {
      await delay(10);
    }
}
