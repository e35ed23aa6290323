import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Wallet } from '../../operator/api/resource.ts';
import { installChart, operatorHasEnded, operatorIsReady, operatorNamespace, uninstallChart } from './chart.ts';
import { ClusterWallet } from './cluster-wallet.ts';
import { get, kubectl, run } from './kubectl.ts';

/*
 * The way of docs/how-to/uninstall.md: what is left of a wallet when its operator goes, and how the next one takes over.
 */

type Operator = { readonly spec: { readonly nodeName: string } };

const operators = ['-n', operatorNamespace, 'pods', '-l', 'app.kubernetes.io/component=operator'] as const;

describe('a wallet whose operator is uninstalled', () => {
  let treasury: ClusterWallet;
  let status: Wallet['status'];
  let processes: readonly string[];
  let claims: readonly string[];
  let identity: string;

  const operatorKey = async (): Promise<string> =>
    kubectl('-n', operatorNamespace, 'get', 'secret', 'holdfast-identity', '-o', 'jsonpath={.data}');

  beforeAll(async () => {
    await operatorIsReady();
    treasury = await ClusterWallet.found('uninstall');
    ({ status } = await treasury.resource());
    processes = await treasury.processes();
    claims = await treasury.claims();
    identity = await operatorKey();
  });

  afterAll(async () => {
    installChart(inject('images'));
    await operatorIsReady();
  });

  test('keeps its processes and claims, and signs what services ask for', async () => {
    expect([processes.length, claims.length]).toEqual([3, 3]);
    await treasury.signsOverGrpc('installed');
    await uninstallChart();
    expect((await get<{ items: readonly object[] }>('-n', operatorNamespace, 'deployments')).items).toEqual([]);
    await treasury.signsOverGrpc('uninstalled');
    expect(await treasury.processes()).toEqual(processes);
    expect(await treasury.claims()).toEqual(claims);
    expect((await treasury.resource()).status).toMatchObject({ genesis: status?.genesis, keys: status?.keys });
    expect(await operatorKey()).toBe(identity);
  });

  test('is not deleted by accident', async () => {
    const refusal = /holdfast\.dev\/destroy/;
    await expect(treasury.kubectl('delete', 'wallet', 'treasury', '--wait=false')).rejects.toThrow(refusal);
    await expect(treasury.kubectl('delete', ...claims, '--wait=false')).rejects.toThrow(refusal);
    await expect(kubectl('delete', 'namespace', treasury.namespace, '--wait=false')).rejects.toThrow(refusal);
  });

  test("waits for an operator with what is the operator's: requests, and the end of a Signer", async () => {
    await treasury.askMessage('waiting');
    await treasury.kubectl('delete', 'signer', 'treasury-backup', '--wait=false');
    await treasury.signsOverGrpc('meanwhile');
    expect(await treasury.processes()).toEqual(processes);
  });

  test('has its pods come back without an operator, and sign', async () => {
    await treasury.kubectl('delete', 'pod', 'treasury-infrastructure-0');
    await treasury.kubectl('wait', 'pod', '--all', '--for=condition=Ready', '--timeout=120s');
    await treasury.signsOverGrpc('moved');
    processes = await treasury.processes();
  });

  test('is taken over by the next installation, here with two operators on different nodes', async () => {
    const notes = installChart(inject('images'), { files: ['values-ha.yaml'] });
    const [command = ''] = /kubectl .* rollout status .*/.exec(notes) ?? [];
    await run('sh', ['-c', command]);
    const { items } = await get<{ items: readonly Operator[] }>(...operators);
    expect(new Set(items.map(({ spec }) => spec.nodeName)).size).toBe(2);

    await treasury.signedMessage('waiting');
    await treasury.kubectl('wait', 'wallet/treasury', '--for=condition=SignersAvailable', '--timeout=120s');
    // But for the backup, whose Signer was deleted and is written anew.
    const backup = /^treasury-backup-0 /;
    const now = await treasury.processes();
    expect(now.filter((one) => !backup.test(one))).toEqual(processes.filter((one) => !backup.test(one)));
    expect(now.find((one) => backup.test(one))).not.toBe(processes.find((one) => backup.test(one)));
    processes = now;
    expect(await treasury.claims()).toEqual(claims);
    expect((await treasury.resource()).status).toMatchObject({ genesis: status?.genesis, keys: status?.keys });
    expect(await operatorKey()).toBe(identity);
  });

  test('is kept as well when somebody deletes the operator, which the next upgrade brings back', async () => {
    await kubectl('-n', operatorNamespace, 'delete', 'deployment', 'holdfast');
    await operatorHasEnded();
    await treasury.signsOverGrpc('deleted');
    installChart(inject('images'));
    await operatorIsReady();
    await treasury.signs('brought-back');
    expect(await treasury.processes()).toEqual(processes);
  });
});
