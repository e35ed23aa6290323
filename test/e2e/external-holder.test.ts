import { createPrivateKey, createPublicKey } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseConnection } from '../../client/connection.ts';
import { digest } from '../../common/bytes.ts';
import { conditionOf } from '../../operator/api/conditions.ts';
import type { ConditionType } from '../../operator/api/conditions.ts';
import { apiVersion } from '../../operator/api/resource.ts';
import type { Signer, Wallet } from '../../operator/api/resource.ts';
import { operatorNamespace } from './chart.ts';
import { ClusterWallet } from './cluster-wallet.ts';
import { apply, get, kubectl } from './kubectl.ts';
import { OutsideSigner } from './outside-signer.ts';

/*
 * The way of docs/how-to/external-holder.md: the client holder of a 2-of-3 wallet runs its signer in a container outside of
 * the cluster, so that no signature is made without it.
 */

/** What networkPolicy.externalSigners adds to the operator's NetworkPolicy, as a policy that goes with this test. */
const operatorReaches = async (address: string): Promise<void> => {
  const own = await get<{ spec: { podSelector: object } }>('-n', operatorNamespace, 'networkpolicy', 'holdfast');
  await apply({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'external-holder', namespace: operatorNamespace },
    spec: {
      podSelector: own.spec.podSelector,
      policyTypes: ['Egress'],
      egress: [{ to: [{ ipBlock: { cidr: `${address}/32` } }], ports: [{ port: 8443, protocol: 'TCP' }] }],
    },
  });
};

/** As docs/how-to/external-holder.md has it computed with openssl. */
async function operatorFingerprint(): Promise<string> {
  const secret = await get<{ data: { 'identity.pem': string } }>(
    ...['-n', operatorNamespace, 'secret', 'holdfast-identity'],
  );
  const key = createPrivateKey(Buffer.from(secret.data['identity.pem'], 'base64'));
  return digest(createPublicKey(key).export({ format: 'der', type: 'spki' }));
}

describe('a holder outside of the cluster', () => {
  let acme: string;
  let treasury: ClusterWallet;
  let outside: OutsideSigner;

  const ready = ({ status }: Wallet | Signer, type: ConditionType = 'Ready') => conditionOf(status?.conditions, type);
  const signer = () => get<Signer>('-n', acme, 'signer', 'treasury');
  const consent = (cidrs: readonly string[]) =>
    apply({
      apiVersion,
      kind: 'Signer',
      metadata: { name: 'treasury', namespace: acme },
      spec: {
        walletRef: { namespace: treasury.namespace, name: 'treasury', holder: 'client' },
        external: { endpoint: `${outside.address}:7443`, fingerprint: outside.fingerprint, cidrs },
      },
    });
  const connection = async () =>
    parseConnection(
      await treasury.kubectl(
        'get',
        'configmap',
        'treasury-connection',
        '-o',
        String.raw`jsonpath={.data.connection\.json}`,
      ),
    );
  const seconds = (since: number): string => `${((Date.now() - since) / 1000).toFixed(1)} s`;

  beforeAll(async () => {
    // It keeps no share, so it is not marked as one that does.
    acme = `acme-${process.pid}`;
    await kubectl('create', 'namespace', acme);
    treasury = await ClusterWallet.prepare('external', {
      holders: [
        { name: 'infrastructure', role: 'Infrastructure' },
        { name: 'client', role: 'Client', namespace: acme },
        { name: 'backup', role: 'Backup' },
      ],
    });
    outside = new OutsideSigner({
      wallet: `${treasury.namespace}/treasury`,
      holder: 'client',
      operator: await operatorFingerprint(),
    });
    await outside.start();
  });

  afterAll(async () => {
    await outside?.remove();
    await kubectl('-n', operatorNamespace, 'delete', 'networkpolicy', 'external-holder', '--ignore-not-found');
    // With the consent in it.
    await kubectl('delete', 'namespace', acme, '--timeout=120s');
  });

  test('takes part once it consented, is reached, and accepted the genesis', async () => {
    await treasury.apply();
    await expect.poll(async () => ready(await treasury.resource())?.reason).toBe('WaitingForHolder');

    await consent([]);
    // The operator reaches nothing outside that it was not told of.
    await expect.poll(async () => ready(await signer())?.reason).toBe('Unreachable');
    await operatorReaches(outside.address);

    await expect.poll(async () => ready(await treasury.resource())?.message).toContain('GenesisNotAccepted');
    const wallet = await treasury.resource();
    expect(ready(wallet)?.reason).toBe('WaitingForHolder');
    const { genesis, genesisStatement } = await connection();
    expect(genesis).toBe(wallet.status?.genesis);
    outside.accept(genesisStatement);

    // Nor do the wallet's signers.
    await expect
      .poll(async () => ready(await treasury.resource(), 'SignersAvailable')?.message)
      .toContain(`infrastructure has no link to client at ${outside.address}:7443`);
    expect(ready(await signer())?.message).toContain('spec.external.cidrs is empty');
    await consent([`${outside.address}/32`]);
    const named = Date.now();
    await treasury.ready();
    console.error(`from the last consent to Ready: ${seconds(named)}`);
    await kubectl('-n', acme, 'wait', 'signer/treasury', '--for=condition=Ready', '--timeout=30s');
    expect((await signer()).status?.fingerprint).toBe(outside.fingerprint);
    expect((await connection()).holders.find(({ name }) => name === 'client')).toMatchObject({
      endpoint: `${outside.address}:8443`,
      fingerprint: outside.fingerprint,
    });
    const { items } = await get<{ items: unknown[] }>('-n', acme, 'statefulsets,pods,services,persistentvolumeclaims');
    expect(items).toEqual([]);
  });

  test('signs', async () => {
    const { status } = await treasury.signs('together');
    expect(status?.participants?.toSorted()).toEqual(['client', 'infrastructure']);
    const log = await outside.log();
    expect(log).toContain('"message":"peer up"');
    // In the cluster's network it would find nobody: it is dialled.
    expect(log).not.toContain('dialling');
  });

  test('stopped is told of once, and signs what waited for it when it is back', async () => {
    const stopped = Date.now();
    await outside.stop();
    await expect.poll(async () => ready(await treasury.resource())?.reason).toBe('QuorumLost');
    console.error(`from its stop to QuorumLost: ${seconds(stopped)}`);
    expect(ready(await treasury.resource(), 'SignersAvailable')?.message).toContain(
      `client: ${outside.address}:8443: `,
    );
    await expect.poll(async () => ready(await signer())?.reason).toBe('Unreachable');

    await treasury.askMessage('later');
    await expect
      .poll(async () => JSON.stringify((await treasury.request('later')).status ?? {}))
      .toContain('QuorumUnavailable');
    await outside.startAgain();
    const started = Date.now();
    const { status } = await treasury.signedMessage('later');
    console.error(`from its start to the signature that waited: ${seconds(started)}`);
    expect(status?.participants?.toSorted()).toEqual(['client', 'infrastructure']);
    await treasury.ready(60);
    const told = async (reason: string): Promise<readonly string[]> =>
      (await treasury.events('treasury', reason)).map(({ message }) => message);
    await expect.poll(async () => (await told('SignerRestored')).length).toBe(1);
    expect(await told('SignerUnavailable')).toEqual([expect.stringContaining(`client: ${outside.address}:8443: `)]);
  });
});
