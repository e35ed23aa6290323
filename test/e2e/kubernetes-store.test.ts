import { afterAll, beforeAll } from 'vitest';
import { kubeCredentials } from '../../operator/runtime/credentials.ts';
import { storeOverApi } from '../../operator/store/kubernetes/testing/store-over-api.ts';
import { resourceStoreSuite } from '../resource-store-suite.ts';
import { scaleOperator } from './chart.ts';
import { kubectl } from './kubectl.ts';

/*
 * What holds a folder of manifests and a scripted API server holds a real one, with its own rules, field ownership, finalizers
 * and the chart's admission policies.
 */

/** Of the suite's drafts. */
const namespace = 'payments';

beforeAll(async () => {
  // The suite is the operator.
  await scaleOperator(0);
  await kubectl('create', 'namespace', namespace);
  await kubectl('label', 'namespace', namespace, 'holdfast.dev/keeps=shares');
});

afterAll(async () => {
  for (const kind of ['wallets', 'signers'])
    for (const name of (await kubectl('-n', namespace, 'get', kind, '-o', 'name')).match(/.+/g) ?? [])
      await kubectl('-n', namespace, 'patch', name, '--type=merge', '-p', '{"metadata":{"finalizers":null}}');
  await kubectl('annotate', 'namespace', namespace, `holdfast.dev/destroy=sha256:${'0'.repeat(64)}`);
  await kubectl('delete', 'namespace', namespace, '--wait=false');
  await scaleOperator(1);
});

resourceStoreSuite('a real API server', async () => storeOverApi(kubeCredentials()));
