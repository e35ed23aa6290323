import { openFolderStore } from '../folder-store.ts';
import { approval, wallet } from './drafts.ts';
import { keyOf } from '../../api/resource.ts';
import { setStatus } from './set-status.ts';

/*
 * A process for tests that kill it: opens a folder with the Wallet of the drafts, then makes and removes approvals and
 * writes the Wallet's status, and prints the number of each round as soon as it is done. `node store-process.ts FOLDER FIRST`
 */
const [folder = '', first = '0'] = process.argv.slice(2);
try {
  const store = await openFolderStore(folder, { quietMs: 0 });
  process.stdout.write('opened\n');
  for (let n = Number(first); ; n++) {
    await Promise.all([
      store.apply(approval(`a-${n}`)),
      store.remove(keyOf(approval(`a-${n - 1}`))),
      setStatus(store, keyOf<'Wallet'>(wallet()), { observedGeneration: n, keysReady: 'x'.repeat(n % 9) }),
    ]);
    process.stdout.write(`${n}\n`);
  }
} catch (error) {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
}
