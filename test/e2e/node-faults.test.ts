import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { conditionOf } from '../../operator/api/conditions.ts';
import { scaleOperator } from './chart.ts';
import { ClusterWallet } from './cluster-wallet.ts';
import { apply, kubectl } from './kubectl.ts';
import { controlPlane, workers } from './node.ts';
import { Told } from './told.ts';
import { Unharmed } from './unharmed.ts';

/*
 * What a platform team sees when it drains a node, volumes being bound to theirs: signing goes on where no needed holder was
 * there, and else when the node is back.
 */

describe('a wallet with a holder on each node', () => {
  let treasury: ClusterWallet;
  let unharmed: Unharmed;
  let nodes: { readonly client: string; readonly backup: string; readonly infrastructure: string };
  const told = new Told();

  beforeAll(async () => {
    const [client = '', backup = ''] = await workers();
    nodes = { client, backup, infrastructure: await controlPlane() };
    treasury = await ClusterWallet.prepare('node-faults');
    const { namespace, name } = treasury;
    for (const [holder, node] of Object.entries(nodes))
      await apply({
        apiVersion: 'holdfast.dev/v1alpha1',
        kind: 'Signer',
        metadata: { namespace, name: `${name}-${holder}` },
        spec: {
          walletRef: { namespace, name, holder },
          seal: { keySecretRef: { name: `${name}-seal`, key: 'kek' } },
          nodeSelector: { 'kubernetes.io/hostname': node },
          tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' }],
        },
      });
    await treasury.apply();
    await treasury.ready();
    unharmed = await Unharmed.since(treasury);
    await treasury.signs('before');
  });

  afterEach(async () => {
    await kubectl('uncordon', nodes.client, nodes.backup);
    await scaleOperator(1);
  });

  /** Evicts this wallet's pods and the operator's. Other wallets' are left to sign for other tests. */
  const drain = async (node: string): Promise<void> => {
    for (const pods of [`holdfast.dev/wallet-namespace=${treasury.namespace}`, 'app.kubernetes.io/component=operator'])
      await kubectl('drain', node, '--ignore-daemonsets', `--pod-selector=${pods}`, '--timeout=60s');
  };

  const isWhole = async (): Promise<unknown> =>
    treasury.kubectl('wait', 'wallet/treasury', '--for=condition=SignersAvailable', '--timeout=120s');

  const isTold = (holder: string): void => {
    told.expect('SignerUnavailable', new RegExp(`${holder}: `));
    told.expect('SignerRestored', new RegExp(`${holder} answers and serves again`));
  };

  test('signs while the node is drained that has no needed holder', async () => {
    await drain(nodes.backup);
    await treasury.kubectl('wait', 'wallet/treasury', '--for=condition=SignersAvailable=False', '--timeout=120s');
    const { status } = await treasury.signs('without-backup');
    expect(status?.participants).not.toContain('backup');
    await kubectl('uncordon', nodes.backup);
    await isWhole();
    await unharmed.holds('before', 'without-backup');
    isTold('backup');
  });

  test('signs within a minute of the uncordon where a needed holder was drained', async () => {
    await drain(nodes.client);
    await treasury.askMessage('without-client');
    const reason = async (): Promise<string | undefined> =>
      conditionOf((await treasury.request('without-client')).status?.conditions, 'Finished')?.reason;
    await expect.poll(reason).toBe('QuorumUnavailable');
    const uncordoned = Date.now();
    await kubectl('uncordon', nodes.client);
    await treasury.signedMessage('without-client', 60);
    console.error(`signed ${((Date.now() - uncordoned) / 1000).toFixed(1)} s after the uncordon`);
    await isWhole();
    await unharmed.holds('before', 'without-client');
    isTold('client');
  });

  test('has events that tell of each', async () => {
    await told.by(treasury);
  });
});
