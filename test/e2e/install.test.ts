import { beforeAll, describe, expect, inject, test } from 'vitest';
import { conditionOf } from '../../operator/api/conditions.ts';
import type { Wallet } from '../../operator/api/resource.ts';
import { operatorIsReady } from './chart.ts';
import { ClusterWallet } from './cluster-wallet.ts';

/*
 * The way of docs/how-to/install.md on a cluster, with the quickstart's manifests: the chart is installed, a wallet is
 * applied and waited for, a request is signed and another one refused.
 */

describe('a wallet on a cluster', () => {
  let treasury: ClusterWallet;
  let wallet: Wallet;
  let foundedMs: number;

  beforeAll(async () => {
    await operatorIsReady();
    treasury = await ClusterWallet.prepare('payments', { hsm: true });

    const started = performance.now();
    await treasury.apply();
    await treasury.ready();
    foundedMs = performance.now() - started;
    console.error(`from apply to Ready: ${(foundedMs / 1000).toFixed(1)} s`);
    wallet = await treasury.resource();
  });

  test('is Ready within a minute of its apply', () => {
    expect(foundedMs).toBeLessThan(60_000);
  });

  test('has keys that every holder certified, and says so', async () => {
    expect(wallet.status?.keys?.map(({ name, scheme }) => `${name} ${scheme}`)).toEqual([
      'solana EdDSA',
      'bitcoin Schnorr',
    ]);
    for (const type of ['KeysGenerated', 'SignersAvailable', 'PolicyEnforced', 'Ready'] as const)
      expect(conditionOf(wallet.status?.conditions, type)?.status, type).toBe('True');
    await expect.poll(async () => (await treasury.events('treasury', 'KeysGenerated')).length).toBe(1);
    await treasury.kubectl('wait', 'signingpolicy/treasury', '--for=condition=Enforced', '--timeout=30s');
    await treasury.kubectl('wait', 'signers', '--all', '--for=condition=Ready', '--timeout=30s');
  });

  test('has a signer of its own for each holder, who shares nothing with the others', async () => {
    const pods = [...(await treasury.pods()).values()];
    const holders = ['backup', 'client', 'infrastructure'];
    expect(pods.map(({ metadata }) => metadata.labels['holdfast.dev/holder'] ?? '').toSorted()).toEqual(holders);
    expect(new Set(pods.map(({ spec }) => spec.serviceAccountName)).size).toBe(3);
    const claims = pods.flatMap(({ spec }) => spec.volumes.flatMap((volume) => volume.persistentVolumeClaim ?? []));
    // One for each state, and one for the token in files.
    expect(new Set(claims.map(({ claimName }) => claimName)).size).toBe(4);
    // No token of a service account.
    expect(pods.flatMap(({ spec }) => spec.volumes.filter(({ projected }) => projected !== undefined))).toEqual([]);
    for (const { spec, metadata } of pods) {
      const sidecars = (spec.initContainers ?? []).map(({ name }) => name);
      expect(sidecars).toEqual(metadata.labels['holdfast.dev/holder'] === 'backup' ? ['token', 'hsm'] : []);
      expect(spec.containers.map(({ image }) => image)).toEqual([inject('images').signer]);
    }
  });

  test('signs what its policy allows', async () => {
    const { status } = await treasury.signs('hello');
    expect(status?.decision?.rule).toBe('messages');
    expect(status?.participants).toContain('infrastructure');
    await expect.poll(async () => (await treasury.events('hello', 'CeremonySucceeded')).length).toBe(1);
  });

  test('refuses what no rule allows, and says why', async () => {
    await treasury.ask('raw', { chain: '', format: 'Digest', data: new Uint8Array(32).fill(7) });
    await treasury.kubectl('wait', 'signingrequest/raw', '--for=condition=Finished', '--timeout=60s');

    const { status } = await treasury.request('raw');
    expect(conditionOf(status?.conditions, 'Succeeded')).toMatchObject({ status: 'False', reason: 'PolicyDenied' });
    expect(conditionOf(status?.conditions, 'Succeeded')?.message).toMatch(/no .*rule/i);
    expect(status?.signatures ?? []).toEqual([]);
    await expect.poll(async () => (await treasury.events('raw', 'PolicyDenied')).length).toBe(1);
  });

  test('signs again by itself after all of its pods were deleted at once', async () => {
    await treasury.kubectl('delete', 'pods', '-l', 'holdfast.dev/wallet=treasury');
    await treasury.signs('again', 180);
    await treasury.ready(60);
    const { status } = await treasury.resource();
    expect(status?.keys).toEqual(wallet.status?.keys);
  });

  test('is told in one line of kubectl get', async () => {
    await expect.poll(() => treasury.kubectl('get', 'wallets')).toMatch(/^treasury +True +2 +3\/3 +2\/2 +treasury /m);
  });
});
