import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { conditionOf } from '../../operator/api/conditions.ts';
import type { Condition } from '../../operator/api/generated.ts';
import type { Signer } from '../../operator/api/resource.ts';
import type { Json } from '../cases/load.ts';
import { installChart, operatorIsReady, scaleOperator, uninstallChart } from './chart.ts';
import type { Release } from './chart.ts';
import { ClusterWallet, makeSeal } from './cluster-wallet.ts';
import { apply, get, holderNamespace, kubectl } from './kubectl.ts';

/*
 * A holder with an operator of its own: one release of the chart works for the wallet's namespace, another for the holder's,
 * and neither has a right in the other's but to read Wallets and Signers.
 */

const releaseOf = (name: string): Release => ({
  name,
  namespace: `${name}-operator-${process.pid}`,
  deployment: `${name}-holdfast`,
});
const ofWallet = releaseOf('wallets');
const ofHolder = releaseOf('holders');

/** Has one release work for a namespace, beside the operators of others. */
async function install(release: Release, namespace: string, others: readonly Json[]): Promise<void> {
  const values = {
    crds: { enabled: false },
    rbac: { userRoles: false },
    admission: { keepShares: false },
    operator: { namespaces: [namespace], others },
  };
  installChart(inject('images'), { release, values });
  await operatorIsReady(release);
}

/** The fingerprint that an operator logs as soon as it leads. */
async function fingerprintOf({ namespace, deployment }: Release): Promise<string> {
  for (let tries = 0; tries < 60; tries++) {
    const log = await kubectl('-n', namespace, 'logs', `deployment/${deployment}`);
    const [, fingerprint] = /"message":"operator started".*"fingerprint":"(sha256:[0-9a-f]{64})"/.exec(log) ?? [];
    if (fingerprint !== undefined) return fingerprint;
    await setTimeout(1_000);
  }
  throw new Error(`${namespace}/${deployment} does not lead`);
}

const mayAs = async (release: Release, verb: string, resource: string, namespace: string): Promise<string> =>
  (
    await kubectl(
      ...['auth', 'can-i', verb, resource, '-n', namespace],
      ...['--as', `system:serviceaccount:${release.namespace}:${release.deployment}`],
    ).catch(() => 'no')
  ).trim();

describe('a holder with an operator of its own', () => {
  let treasury: ClusterWallet;
  let acme = '';
  let fingerprint = '';

  const ready = async (): Promise<Condition | undefined> =>
    conditionOf((await get<Signer>('-n', acme, 'signer', 'treasury-client')).status?.conditions, 'Ready');
  const asThisOneIs = async (): Promise<void> =>
    install(ofHolder, acme, [
      { namespaces: [treasury.namespace], fingerprint, pods: { namespace: ofWallet.namespace } },
    ]);

  beforeAll(async () => {
    // The operator of all namespaces would work for these too.
    await scaleOperator(0);
    acme = await holderNamespace('acme');
    treasury = await ClusterWallet.prepare('payments', {
      holders: [
        { name: 'infrastructure', role: 'Infrastructure' },
        { name: 'client', role: 'Client', namespace: acme },
        { name: 'backup', role: 'Backup' },
      ],
    });
    await makeSeal(`${acme}/treasury-seal`);
    for (const { namespace } of [ofWallet, ofHolder]) {
      await kubectl('create', 'namespace', namespace);
      await kubectl('label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted');
    }
    await install(ofWallet, treasury.namespace, [{ namespaces: [acme], pods: { namespace: ofHolder.namespace } }]);
    fingerprint = await fingerprintOf(ofWallet);
    await asThisOneIs();
  });

  afterAll(async () => {
    try {
      for (const release of [ofWallet, ofHolder]) {
        await uninstallChart(release);
        await kubectl('delete', 'namespace', release.namespace, '--wait=false');
      }
    } finally {
      await scaleOperator(1);
    }
  });

  test('takes part in a wallet that another operator founds', async () => {
    await treasury.apply();
    await expect
      .poll(async () => conditionOf((await treasury.resource()).status?.conditions, 'Ready')?.reason)
      .toBe('WaitingForHolder');
    await apply({
      apiVersion: 'holdfast.dev/v1alpha1',
      kind: 'Signer',
      metadata: { namespace: acme, name: 'treasury-client' },
      spec: {
        walletRef: { namespace: treasury.namespace, name: 'treasury', holder: 'client' },
        seal: { keySecretRef: { name: 'treasury-seal', key: 'kek' } },
      },
    });
    await treasury.ready();
    const { status } = await treasury.signs('with-two-operators');
    expect(status?.participants?.toSorted()).toEqual(['client', 'infrastructure']);
    await kubectl('-n', acme, 'wait', 'signer/treasury-client', '--for=condition=Ready', '--timeout=30s');
    const { spec } = await get<{ spec: { containers: readonly { args: readonly string[] }[] } }>(
      ...['-n', acme, 'pod', 'treasury-client-0'],
    );
    expect(spec.containers[0]?.args).toContain(fingerprint);
  });

  test('leaves either operator no right in the namespace of the other but to read Wallets and Signers', async () => {
    for (const [release, own, other] of [
      [ofWallet, treasury.namespace, acme],
      [ofHolder, acme, treasury.namespace],
    ] as const) {
      for (const resource of ['wallets.holdfast.dev', 'signers.holdfast.dev'])
        expect(await mayAs(release, 'watch', resource, other), `${release.name}: ${resource}`).toBe('yes');
      for (const [verb, resource] of [
        ['patch', 'statefulsets.apps'],
        ['patch', 'networkpolicies.networking.k8s.io'],
        ['patch', 'signers.holdfast.dev'],
        ['list', 'statefulsets.apps'],
        ['get', 'secrets'],
      ] as const) {
        expect(await mayAs(release, verb, resource, other), `${release.name}: ${verb} ${resource}`).toBe('no');
        if (resource !== 'secrets') expect(await mayAs(release, verb, resource, own)).toBe('yes');
      }
    }
  });

  test('is looked after while the operator of the wallet is away', async () => {
    await scaleOperator(0, ofWallet);
    await kubectl('-n', acme, 'delete', 'networkpolicy/treasury-client');
    await expect
      .poll(async () => kubectl('-n', acme, 'get', 'networkpolicy', '-o', 'name'))
      .toContain('treasury-client');
    await kubectl('-n', acme, 'delete', 'pod/treasury-client-0');
    await kubectl('-n', acme, 'wait', 'pod/treasury-client-0', '--for=condition=Ready', '--timeout=120s');
    await kubectl('-n', acme, 'wait', 'signer/treasury-client', '--for=condition=Ready', '--timeout=120s');
    await scaleOperator(1, ofWallet);
    await treasury.signs('after-the-operator-was-away', 120);
  });

  test('keeps its signer where its operator no longer sees the wallet, and says so', async () => {
    const pod = async (): Promise<string> =>
      (await get<{ metadata: { uid: string } }>('-n', acme, 'pod', 'treasury-client-0')).metadata.uid;
    const before = await pod();
    await install(ofHolder, acme, []);
    await expect.poll(async () => (await ready())?.reason).toBe('WalletNotSeen');
    await treasury.signs('while-not-seen');
    expect(await pod()).toBe(before);
    await asThisOneIs();
    await expect.poll(async () => (await ready())?.reason).toBe('Serving');
    expect(await pod()).toBe(before);
  });

  test('has its signer stopped when the wallet is deleted, and keeps its share', async () => {
    const { status } = await treasury.resource();
    await treasury.kubectl('annotate', 'wallet/treasury', `holdfast.dev/destroy=${status?.genesis}`);
    await treasury.kubectl('delete', 'wallet/treasury', '--timeout=120s');
    await kubectl('-n', acme, 'wait', 'pod/treasury-client-0', '--for=delete', '--timeout=60s');
    expect((await ready())?.reason).toBe('WalletNotFound');
    await kubectl('-n', acme, 'get', 'persistentvolumeclaim', `holdfast.${treasury.namespace}.treasury.client.state`);
  });
});
