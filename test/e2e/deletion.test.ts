import { beforeAll, describe, expect, test } from 'vitest';
import type { Wallet } from '../../operator/api/resource.ts';
import { operatorIsReady } from './chart.ts';
import { ClusterWallet } from './cluster-wallet.ts';
import { kubectl } from './kubectl.ts';

/*
 * The way of docs/how-to/uninstall.md from the other end: what deletions leave, which are refused, and what it takes to have
 * all of a wallet go. Its backup is behind a SoftHSM token in files.
 */

describe('a wallet that is deleted', () => {
  let treasury: ClusterWallet;
  let status: NonNullable<Wallet['status']>;
  let claims: readonly string[];

  const secrets = ['secret/treasury-seal', 'secret/treasury-pin'];
  const consent = (genesis = status.genesis): string => `holdfast.dev/destroy=${genesis}`;
  const deleted = async (...args: readonly string[]): Promise<string> =>
    treasury.kubectl('delete', ...args, '--timeout=120s');
  const isItself = async (id: string): Promise<void> => {
    await treasury.signs(id, 180);
    await treasury.ready();
    await treasury.kubectl('wait', 'wallet/treasury', '--for=condition=SignersAvailable', '--timeout=120s');
    const { genesis, keys } = (await treasury.resource()).status ?? {};
    expect({ genesis, keys }).toEqual({ genesis: status.genesis, keys: status.keys });
    expect(await treasury.claims()).toEqual(claims);
  };

  beforeAll(async () => {
    await operatorIsReady();
    treasury = await ClusterWallet.found('deletion', { hsm: true });
    status = (await treasury.resource()).status ?? {};
    claims = await treasury.claims();
    await treasury.signs('before');
  });

  test('has keys, and a claim for each state and for the token', () => {
    expect(status.keys).toHaveLength(2);
    expect(claims).toHaveLength(4);
  });

  test('cannot ask that its shares be destroyed, as nothing does that yet', async () => {
    const patch = JSON.stringify({ spec: { deletionPolicy: 'Destroy' } });
    await expect(treasury.kubectl('patch', 'wallet', 'treasury', '--type=merge', '-p', patch)).rejects.toThrow(
      'Destroy is not in this version, which deletes no shares; Retain works, and keeps them',
    );
  });

  test('stays, with its claims, Secrets and namespace, until somebody names it', async () => {
    const namespace = ['namespace', treasury.namespace];
    const mark = 'holdfast.dev/keeps-';
    for (const args of [
      ['wallet/treasury'],
      ...claims.map((claim) => [claim]),
      ...secrets.map((secret) => [secret]),
      namespace,
    ])
      await expect(treasury.kubectl('delete', ...args, '--wait=false'), args.join(' ')).rejects.toThrow(
        /denied request: .*kubectl annotate .* holdfast\.dev\/destroy=GENESIS/,
      );
    // Nor does it help to remove the mark, or to name something else.
    for (const args of [...[...claims, ...secrets].map((one) => [one]), namespace])
      await expect(treasury.kubectl('label', ...args, mark), args.join(' ')).rejects.toThrow(/denied request/);
    await treasury.kubectl('annotate', 'wallet', 'treasury', consent(`sha256:${'0'.repeat(64)}`));
    await expect(treasury.kubectl('delete', 'wallet', 'treasury', '--wait=false')).rejects.toThrow(/denied request/);
    await isItself('refused');
  });

  test('finds the share of a Signer that was deleted, and its token', async () => {
    await deleted('signer', 'treasury-client', 'treasury-backup');
    // The operator writes both anew at once, as the Wallet says. That is no seal of the backup, whose owner puts theirs back.
    await treasury.kubectl('wait', 'signer/treasury-backup', '--for=create', '--timeout=60s');
    await treasury.applyBackup('replace');
    await isItself('signer');
  });

  test('is the same one when it is written again', async () => {
    await treasury.kubectl('annotate', 'wallet', 'treasury', '--overwrite', consent());
    await deleted('wallet', 'treasury');
    await expect
      .poll(() => treasury.kubectl('get', 'pods,statefulsets', '-o', 'name'))
      .toBe('statefulset.apps/treasury-backup\n');
    expect(await treasury.claims()).toEqual(claims);

    const started = Date.now();
    await treasury.apply();
    await treasury.ready();
    console.error(`from apply to Ready again: ${((Date.now() - started) / 1000).toFixed(1)} s`);
    await isItself('restored');
  });

  test('goes with its namespace once somebody has named it on all that keeps it', async () => {
    await treasury.kubectl('annotate', 'wallet,pvc,secret', '--all', consent());
    await kubectl('annotate', 'namespace', treasury.namespace, consent());
    await deleted('namespace', treasury.namespace);
    await expect(kubectl('get', 'namespace', treasury.namespace)).rejects.toThrow(/not found/);
  });
});
