import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { parse } from 'yaml';
import { conditionOf } from '../../operator/api/conditions.ts';
import type { Signer, Wallet } from '../../operator/api/resource.ts';
import { earlierChart, installChart, operatorIsReady, operatorNamespace, uninstallChart } from './chart.ts';
import { ClusterWallet, podsOf } from './cluster-wallet.ts';
import { get, kubectl } from './kubectl.ts';

/*
 * The way of docs/how-to/upgrade.md: an earlier chart is upgraded to the current one with its operator, then the image of
 * signers is changed. The operator has a wallet to keep all the while, which signs with any two of its three holders.
 */

const { version } = parse(readFileSync(join(import.meta.dirname, '../../charts/holdfast/Chart.yaml'), 'utf8')) as {
  version: string;
};
const holders = [
  { name: 'first', role: 'Infrastructure' },
  { name: 'second', role: 'Infrastructure' },
  { name: 'client', role: 'Client' },
] as const;
const threshold = 2;

/** The charts' versions that objects say they are of. */
const chartsOf = async (...kind: readonly string[]): Promise<ReadonlySet<string>> =>
  new Set(
    (
      await kubectl(
        'get',
        ...kind,
        '-l',
        'app.kubernetes.io/part-of=holdfast',
        '-o',
        "jsonpath={range .items[*]}{.metadata.labels.helm\\.sh/chart}{'\\n'}{end}",
      )
    )
      .trim()
      .split('\n'),
  );

describe('a wallet under a chart that is upgraded', () => {
  const images = inject('images');
  const earlier = { ...images, operator: images['earlier-operator'], signer: images['earlier-signer'] };
  let treasury: ClusterWallet;
  let keys: NonNullable<Wallet['status']>['keys'];
  let processes: readonly string[];

  const withEarlierSigner = { ...images, signer: earlier.signer };
  const signers = holders.map(({ name }) => `signer/treasury-${name}`);
  const newImage = JSON.stringify({ spec: { image: images.signer } });

  const signerImages = async (): Promise<readonly string[]> =>
    [...(await treasury.pods()).values()].flatMap(({ spec }) => spec.containers.map(({ image }) => image));
  /** The operator of the release has looked at the wallet, and nothing of it is another than before. */
  const isAsBefore = async (id: string): Promise<void> => {
    await operatorIsReady();
    await treasury.signs(id);
    expect(await treasury.processes()).toEqual(processes);
    expect((await treasury.resource()).status?.keys).toEqual(keys);
  };

  beforeAll(async () => {
    await uninstallChart();
    installChart(earlier, { chart: earlierChart });
    await operatorIsReady();
    treasury = await ClusterWallet.found('upgrade', { threshold, holders });
    await treasury.signs('before');
    processes = await treasury.processes();
    ({ keys } = (await treasury.resource()).status ?? {});
  });

  afterAll(async () => {
    installChart(images);
    await operatorIsReady();
  });

  test('goes on as it is when the earlier chart, and its operator, become the current ones', async () => {
    expect([...(await chartsOf('crd'))]).toEqual(['holdfast-0.1.0']);
    expect(keys).toHaveLength(2);
    expect(await signerImages()).toEqual(holders.map(() => earlier.signer));
    installChart(withEarlierSigner);
    for (const kinds of ['crd', 'validatingadmissionpolicies'])
      expect([...(await chartsOf(kinds))]).toEqual([`holdfast-${version}`]);
    expect([...(await chartsOf('-n', operatorNamespace, 'deployments'))]).toEqual([`holdfast-${version}`]);
    await isAsBefore('chart');
  });

  test('goes on as it is when Signers name an image that the chart does not allow, and says so', async () => {
    for (const signer of signers) await treasury.kubectl('patch', signer, '--type=merge', '-p', newImage);
    for (const signer of signers)
      await expect
        .poll(async () => {
          const { status } = await get<Signer>('-n', treasury.namespace, signer);
          return conditionOf(status?.conditions, 'Ready')?.message;
        })
        .toMatch(/signers\.allowedImages|signers change one after the other/);
    await isAsBefore('refused');
  });

  test('has its signers changed one after the other once the chart allows it, and signs all the while', async () => {
    const watch = new PodWatch(treasury);
    await expect.poll(() => watch.ready).toBe(holders.length);
    const started = Date.now();
    installChart(withEarlierSigner, { values: { signers: { allowedImages: [images.signer] } } });

    let longest = 0;
    const isChanged = async (): Promise<boolean> =>
      (await signerImages()).every((image) => image === images.signer) && watch.ready === holders.length;
    for (let i = 0; !(await isChanged()) && Date.now() - started < 240_000; i++) {
      const asked = Date.now();
      await treasury.signs(`while-${i}`);
      longest = Math.max(longest, Date.now() - asked);
      // The policy has a limit of so many an hour.
      await setTimeout(1_000);
    }
    const seconds = ((Date.now() - started) / 1000).toFixed(1);
    console.error(
      `three signers changed their image in ${seconds} s; the slowest of the requests meanwhile took ${longest} ms`,
    );
    await watch.end();

    expect(await signerImages()).toEqual(holders.map(() => images.signer));
    expect(watch.least).toBe(holders.length - 1);
    expect(watch.least).toBeGreaterThanOrEqual(threshold);
    // Each was started anew once.
    expect([...watch.uids.values()].map((uids) => uids.size)).toEqual(holders.map(() => 2));
    await treasury.ready();
    await treasury.signs('after');
    expect((await treasury.resource()).status?.keys).toEqual(keys);
  });
});

/** A wallet's pods as the API server tells of each change. */
class PodWatch {
  readonly #child;
  readonly #ready = new Map<string, boolean>();
  /** Of all pods that a signer has had, by name. */
  readonly uids = new Map<string, Set<string>>();
  /** The fewest signers that were ready at a time. */
  least = Number.POSITIVE_INFINITY;

  constructor(wallet: ClusterWallet) {
    const fields =
      '{.metadata.name} {.metadata.uid} {.status.conditions[?(@.type=="Ready")].status} {.metadata.deletionTimestamp}{"\\n"}';
    this.#child = spawn(
      'kubectl',
      ['-n', wallet.namespace, 'get', 'pods', '-l', podsOf(wallet), '--watch', '-o', `jsonpath=${fields}`],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    createInterface(this.#child.stdout).on('line', (line) => {
      const [name = '', uid = '', ready, going = ''] = line.split(' ');
      this.#ready.set(name, ready === 'True' && going === '');
      this.uids.set(name, (this.uids.get(name) ?? new Set()).add(uid));
      if (this.#ready.size === holders.length) this.least = Math.min(this.least, this.ready);
    });
  }

  get ready(): number {
    return [...this.#ready.values()].filter((ready) => ready).length;
  }

  async end(): Promise<void> {
    if (this.#child.kill()) await once(this.#child, 'exit');
  }
}
