import { beforeAll, describe, expect, test } from 'vitest';
import { conditionOf } from '../../operator/api/conditions.ts';
import type { ConditionType } from '../../operator/api/conditions.ts';
import type { Signer, Wallet } from '../../operator/api/resource.ts';
import { signerPorts } from '../../operator/fleet/kubernetes/pod-layout.ts';
import { ClusterWallet, makeSeal } from './cluster-wallet.ts';
import { apply, get, holderNamespace, kubectl } from './kubectl.ts';
import { addressOf, reach, scriptPod } from './probe.ts';

/*
 * A wallet whose holders live in three namespaces: each takes part by writing a Signer in its own, and stops by deleting it.
 */

const { sign, peer, metrics } = signerPorts;

describe('a wallet with holders in other namespaces', () => {
  let treasury: ClusterWallet;
  let [acme, vault] = ['', ''];
  /** Each holder's pod and where it is. */
  let pods: Readonly<Record<'infrastructure' | 'client' | 'backup', readonly [namespace: string, pod: string]>>;
  let keys: NonNullable<Wallet['status']>['keys'];

  const condition = async (type: ConditionType) => conditionOf((await treasury.resource()).status?.conditions, type);
  const signersIn = async (namespace: string): Promise<readonly Signer[]> =>
    (await get<{ items: readonly Signer[] }>('-n', namespace, 'signers')).items;
  /** The manifest that the wallet says a holder is to apply. */
  const asked = async (): Promise<string> =>
    (await condition('Ready'))?.message.split(/apply in namespace .*:\n/)[1] ?? '';

  beforeAll(async () => {
    acme = await holderNamespace('acme');
    vault = await holderNamespace('vault');
    treasury = await ClusterWallet.prepare('payments', {
      holders: [
        { name: 'infrastructure', role: 'Infrastructure' },
        { name: 'client', role: 'Client', namespace: acme },
        { name: 'backup', role: 'Backup', namespace: vault },
      ],
    });
    pods = {
      infrastructure: [treasury.namespace, 'treasury-infrastructure-0'],
      client: [acme, 'treasury-client-0'],
      backup: [vault, 'treasury-backup-0'],
    };
    for (const namespace of [acme, vault]) await makeSeal(`${namespace}/treasury-seal`);
    await treasury.apply();
  });

  test('waits for each of them, says what to apply, and writes nothing in their namespaces', async () => {
    await expect.poll(async () => (await condition('Ready'))?.reason).toBe('WaitingForHolder');
    expect((await condition('Ready'))?.message).toContain(`waits for client in ${acme}, backup in ${vault}`);
    expect([...(await signersIn(acme)), ...(await signersIn(vault))]).toEqual([]);

    await apply(await asked());
    await expect.poll(async () => (await condition('Ready'))?.message).toContain(`waits for backup in ${vault};`);
    expect((await signersIn(acme)).map(({ metadata, spec }) => [metadata.name, spec.walletRef])).toEqual([
      ['treasury-client', { namespace: treasury.namespace, name: 'treasury', holder: 'client' }],
    ]);
  });

  test('is founded once all have written theirs, and signs', async () => {
    await apply(await asked());
    await treasury.ready();
    for (const [namespace, pod] of Object.values(pods)) await kubectl('-n', namespace, 'get', 'pod', pod);
    expect((await condition('Independent'))?.status).toBe('True');
    ({ keys } = (await treasury.resource()).status ?? {});
    const { status } = await treasury.signs('across-namespaces');
    expect(status?.participants?.toSorted()).toEqual(['client', 'infrastructure']);
  });

  test('has signers that reach one another across namespaces on the peer port alone', async () => {
    for (const [from, to] of [
      ['infrastructure', 'client'],
      ['client', 'backup'],
      ['backup', 'infrastructure'],
    ] as const) {
      const address = await addressOf(...pods[to]);
      expect(await reach(...pods[from], address, peer), `${from} to ${to}`).toBe('open');
      for (const port of [sign, metrics])
        expect(await reach(...pods[from], address, port), `${from} to ${to}: ${port}`).toBe('silent');
    }
  });

  test('has signers that other pods of their namespaces do not reach, but for those that have access', async () => {
    const access = [{ podSelector: { matchLabels: { app: 'api' } } }];
    await treasury.kubectl('patch', 'wallet/treasury', '--type=merge', '-p', JSON.stringify({ spec: { access } }));
    for (const namespace of [treasury.namespace, acme]) {
      await apply(scriptPod(namespace, 'api', 'setInterval(() => {}, 1000)'));
      await kubectl('-n', namespace, 'wait', 'pod/api', '--for=condition=Ready', '--timeout=60s');
    }
    for (const name of ['infrastructure', 'client', 'backup'] as const) {
      const address = await addressOf(...pods[name]);
      // A selector is about the wallet's own namespace, wherever the signer is.
      await expect.poll(() => reach(treasury.namespace, 'api', address, sign)).toBe('open');
      expect(await reach(acme, 'api', address, sign), name).toBe('silent');
      for (const port of [peer, metrics])
        for (const namespace of [treasury.namespace, acme])
          expect(await reach(namespace, 'api', address, port), `${name}: ${port}`).toBe('silent');
    }
  });

  test('loses a holder who deletes its Signer, and nothing that this holder keeps', async () => {
    const claim = `holdfast.${treasury.namespace}.treasury.client.state`;
    const uid = async (): Promise<string> =>
      (await get<{ metadata: { uid: string } }>('-n', acme, 'persistentvolumeclaim', claim)).metadata.uid;
    const before = await uid();
    const [signer] = await signersIn(acme);
    await kubectl('-n', acme, 'delete', 'signer/treasury-client', '--timeout=90s');
    await kubectl('-n', acme, 'wait', 'pod/treasury-client-0', '--for=delete', '--timeout=60s');
    await expect.poll(async () => (await condition('Ready'))?.reason).toBe('QuorumLost');
    expect((await condition('SignersAvailable'))?.message).toContain('client: no Signer yet');
    for (const name of ['infrastructure', 'backup'] as const) {
      const [namespace, pod] = pods[name];
      await kubectl('-n', namespace, 'wait', `pod/${pod}`, '--for=condition=Ready', '--timeout=5s');
    }
    expect(await uid()).toBe(before);

    await treasury.askMessage('while-away');
    const { apiVersion, kind, metadata, spec } = signer as Signer;
    await apply({ apiVersion, kind, metadata: { namespace: acme, name: metadata.name }, spec });
    await treasury.signedMessage('while-away', 120);
    await treasury.ready();
    expect((await treasury.resource()).status?.keys).toEqual(keys);
    expect(await uid()).toBe(before);
  });
});
