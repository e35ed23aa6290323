import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { conditionOf } from '../../operator/api/conditions.ts';
import { ClusterWallet } from './cluster-wallet.ts';
import { apply, kubectl } from './kubectl.ts';
import { partition, workers } from './node.ts';
import { Told } from './told.ts';
import { Unharmed } from './unharmed.ts';

/*
 * What a wallet with a holder to spare of each kind is for: whichever is lost, signing goes on.
 */

const holders = [
  { name: 'infra-1', role: 'Infrastructure' },
  { name: 'infra-2', role: 'Infrastructure' },
  { name: 'client-1', role: 'Client' },
  { name: 'client-2', role: 'Client' },
  { name: 'backup', role: 'Backup' },
] as const;

describe('a wallet of three in five signs', () => {
  let treasury: ClusterWallet;
  let unharmed: Unharmed;
  const told = new Told();

  beforeAll(async () => {
    const started = Date.now();
    treasury = await ClusterWallet.found('three-of-five', { threshold: 3, holders: [...holders] });
    console.error(`3 of 5 Ready after ${((Date.now() - started) / 1000).toFixed(1)} s`);
    unharmed = await Unharmed.since(treasury);
    await treasury.signs('before');
  });

  afterEach(async () => {
    await kubectl('uncordon', ...(await workers()));
  });

  /** A message is asked for and signed, without one of the holders. */
  const signsWithout = async (holder: string, id: string): Promise<void> => {
    const asked = Date.now();
    const { status } = await treasury.signs(id);
    console.error(`without ${holder}: signed after ${Date.now() - asked} ms by ${status?.participants?.join(', ')}`);
    expect(status?.participants).toHaveLength(3);
    expect(status?.participants).not.toContain(holder);
  };

  test.each(holders)('without $name, whose pod is gone and finds no node', async ({ name }) => {
    const during = [`as-${name}-goes-1`, `as-${name}-goes-2`];
    const requests = await Promise.all(during.map((id) => treasury.messageRequest(id)));
    await kubectl('cordon', ...(await workers()));
    await apply({ apiVersion: 'v1', kind: 'List', items: requests });
    await treasury.kubectl('delete', 'pod', `treasury-${name}-0`);
    for (const id of during) await treasury.signedMessage(id);
    await signsWithout(name, `without-${name}`);
    await treasury.kubectl('wait', 'wallet/treasury', '--for=condition=SignersAvailable=False', '--timeout=30s');
    const { status } = await treasury.resource();
    expect(conditionOf(status?.conditions, 'Ready')?.status).toBe('True');
    expect(status?.holders?.filter(({ available }) => !available).map((holder) => holder.name)).toEqual([name]);

    await kubectl('uncordon', ...(await workers()));
    await treasury.kubectl('wait', 'wallet/treasury', '--for=condition=SignersAvailable', '--timeout=120s');
    await unharmed.holds('before', `without-${name}`, ...during);
    told.expect('SignerUnavailable', new RegExp(`${name}: `));
    told.expect('SignerRestored', new RegExp(`${name} answers and serves again`));
  });

  test('without the holder that leads, whom the network keeps from the others', async () => {
    const heal = await partition(treasury.namespace, 'treasury-infra-1');
    try {
      await signsWithout('infra-1', 'while-apart');
    } finally {
      await heal();
    }
    await treasury.kubectl('wait', 'wallet/treasury', '--for=condition=SignersAvailable', '--timeout=120s');
    await treasury.signs('together');
    await unharmed.holds('before', 'while-apart');
    told.expect('SignerUnavailable', /infra-1: .*no answer/);
  });

  test('and its events tell of each', async () => {
    await told.by(treasury);
  });
});
