import { afterAll, afterEach } from 'vitest';
import type { Wallet } from '../../operator/api/resource.ts';
import { dump } from './dump.ts';
import { get, kubectl } from './kubectl.ts';

let failed = false;

/** After the first failure of a file: what fails later mostly fails for it. */
afterEach(async ({ task }) => {
  if (failed || task.result?.state !== 'fail') return;
  failed = true;
  console.error(await dump());
});

/** Wallets that are no longer needed leave the machine to those of the next file; what a test failed with stays, for a look. */
afterAll(async () => {
  if (failed) return;
  const { items } = await get<{ items: readonly Wallet[] }>('wallets', '--all-namespaces');
  for (const { metadata, status } of items) {
    const wallet = ['-n', metadata.namespace, 'wallet', metadata.name];
    if (status?.genesis !== undefined)
      await kubectl('annotate', ...wallet, `holdfast.dev/destroy=${status.genesis}`, '--overwrite');
    await kubectl('delete', ...wallet, '--wait=false');
  }
});
