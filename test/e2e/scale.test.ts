import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import type { SigningPolicy, Wallet } from '../../operator/api/resource.ts';
import { pathOf } from '../../operator/runtime/kube-object.ts';
import { resourceType } from '../../operator/store/kubernetes/resource-type.ts';
import { adminClient } from './api.ts';
import { scaleOperator } from './chart.ts';
import { ClusterWallet } from './cluster-wallet.ts';
import { crowdLabel } from './dump.ts';

import { holderNamespace, kubectl } from './kubectl.ts';
import { walletAt } from './scale/crowd-address.ts';
import { ScaleOperator } from './scale/scale-operator.ts';
import type { Usage } from './scale/scale-operator.ts';

/*
 * A thousand wallets with one operator. Five have signers in pods; those of the others are played by one process beside
 * the operator, which makes all the connections and calls, and all the writes, that it would make for real ones
 * (scale/crowd.ts says what is played). The API server is a real one.
 */

const steps = [250, 500, 1000];
const real = 5;
const idleSeconds = 60;
/** How much more than those of the first step each wallet of the last may cost. */
const slack = 1.5;
/** Writers at once: the API server is no faster with more. */
const writers = 8;

const root = join(import.meta.dirname, '../..');
const example = (name: string): string => readFileSync(join(root, 'examples/quickstart', name), 'utf8');
const initiator = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAKIIF8tFzN7M2ARDSzh7q8JFr5IfmeDuyPYhwaSn0jH';
const policy = parse(example('policy.yaml').replace('INITIATOR_KEY', initiator)) as SigningPolicy;
const wallet = parse(example('wallet.yaml')) as Wallet;

const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
const sum = (requests: Usage['requests']): number => Object.values(requests).reduce((all, count) => all + count, 0);

/** What one more wallet of a step costs. */
type Row = { readonly ms: number; readonly cpuMs: number; readonly requests: number; readonly bytes: number };

describe('an operator of a thousand wallets', () => {
  let crowd: string;
  let operator: ScaleOperator;
  /** Those of this test, and of no other. */
  const namespaces: string[] = [];
  const wallets: ClusterWallet[] = [];
  const client = adminClient();
  let made = 0;

  beforeAll(async () => {
    await scaleOperator(0);
    crowd = await holderNamespace('crowd');
    await kubectl('label', 'namespace', crowd, crowdLabel);
    for (let i = 0; i < real; i++) wallets.push(await ClusterWallet.prepare('few'));
    namespaces.push(crowd, ...wallets.map(({ namespace }) => namespace));
    operator = await ScaleOperator.start(crowd, namespaces);
    await vi.waitUntil(async () => (await usage()).leads, { timeout: 120_000, interval: 1_000 });
  });

  afterAll(async () => {
    try {
      const began = performance.now();
      await removeAll();
      console.error(`all deleted after ${((performance.now() - began) / 1000).toFixed(0)} s`);
    } finally {
      client.close();
      await operator?.stop();
      await scaleOperator(1);
    }
  });

  const usage = (memory = false): Promise<Usage> => operator.usage({ memory });

  const allReady = (count: number, seconds: number): Promise<void> =>
    expect.poll(async () => (await usage()).ready, { timeout: seconds * 1000, interval: 2_000 }).toBe(count);

  /** Does something for each of many, a few at once. */
  async function each<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
    const left = items.values();
    await Promise.all(
      Array.from({ length: writers }, async () => {
        for (const item of left) await work(item);
      }),
    );
  }

  const names = (from: number, to: number): readonly string[] =>
    Array.from({ length: to - from }, (_, i) => walletAt(from + i + 1));

  async function make(name: string): Promise<void> {
    const objects: readonly (SigningPolicy | Wallet)[] = [
      policy,
      { ...wallet, spec: { ...wallet.spec, policyRef: { name } } },
    ];
    for (const object of objects)
      await client.request({
        method: 'POST',
        path: pathOf(resourceType(object.kind), { namespace: crowd }),
        body: { ...object, metadata: { name, namespace: crowd } },
      });
  }

  /** As a person does who means it, wallet by wallet, while there is an operator to end what runs for it. */
  async function removeAll(): Promise<void> {
    const type = resourceType('Wallet');
    const left = async (namespace: string): Promise<readonly Wallet[]> =>
      ((await client.request({ path: pathOf(type, { namespace }) })) as { items: readonly Wallet[] }).items;
    for (const namespace of namespaces)
      await each(await left(namespace), async ({ metadata: { name }, status }) => {
        const path = pathOf(type, { namespace, name });
        const metadata = { annotations: { 'holdfast.dev/destroy': status?.genesis ?? '' } };
        await client.request({
          method: 'PATCH',
          path,
          contentType: 'application/merge-patch+json',
          body: { metadata },
        });
        await client.request({ method: 'DELETE', path });
      });
    // Not by kubectl, which waits for a thousand one after the other.
    for (const namespace of namespaces)
      await vi.waitUntil(async () => (await left(namespace)).length === 0, { timeout: 400_000, interval: 1_000 });
  }

  test('founds five whose signers are pods', async () => {
    for (const each of wallets) await each.apply();
    for (const each of wallets) await each.ready(300);
    await allReady(real, 60);
  });

  test('costs no more for each wallet the more there are', { timeout: 900_000 }, async () => {
    const rows: Row[] = [];
    let before = await usage(true);
    console.error(
      `${'wallets'.padStart(9)}  ms each  CPU ms each  requests each  KiB each  heap MiB  RSS MiB  requests of all, by method`,
    );
    for (const count of steps) {
      const began = performance.now();
      const step = names(made, count);
      made = count;
      await each(step, make);
      await allReady(count + real, 600);
      const ms = performance.now() - began;
      const now = await usage(true);
      const cost = (of: (each: Usage) => number): number => (of(now) - of(before)) / step.length;
      const row = {
        ms: ms / step.length,
        cpuMs: 1000 * cost(({ cpuSeconds }) => cpuSeconds),
        requests: cost(({ requests }) => sum(requests)),
        bytes: cost(({ heapUsed, external }) => heapUsed + external),
      };
      rows.push(row);
      before = now;
      const cells = [
        `${String(count).padStart(5)} + ${real}`.padStart(9),
        row.ms.toFixed(0).padStart(9),
        row.cpuMs.toFixed(0).padStart(13),
        row.requests.toFixed(1).padStart(15),
        (row.bytes / 1024).toFixed(0).padStart(10),
        mib(now.heapUsed + now.external).padStart(10),
        mib(now.rss).padStart(9),
        `  ${JSON.stringify(now.requests)}`,
      ];
      console.error(cells.join(''));
    }
    const [first, last] = [rows[0], rows.at(-1)] as [Row, Row];
    for (const what of ['ms', 'cpuMs', 'requests', 'bytes'] as const)
      expect(last[what], what).toBeLessThan(slack * first[what]);
  });

  test('signs for one as if there were no others', async () => {
    const [first] = wallets as [ClusterWallet];
    const began = performance.now();
    await first.signs('one-of-many');
    console.error(`from kubectl's start to Succeeded, and read: ${(performance.now() - began).toFixed(0)} ms`);
  });

  test('writes nothing but its Lease while nothing happens', { timeout: 400_000 }, async () => {
    // Events that repeat are written at the end of their minute.
    await pause(65_000);
    const before = await usage(true);
    await pause(idleSeconds * 1000);
    const now = await usage(true);
    const spent = Object.keys(now.requests).map((method): [string, number] => [
      method,
      (now.requests[method] ?? 0) - (before.requests[method] ?? 0),
    ]);
    console.error(
      `idle for ${idleSeconds} s: ${spent.map(([method, count]) => `${count} ${method}`).join(', ')}; CPU ${(((now.cpuSeconds - before.cpuSeconds) / idleSeconds) * 100).toFixed(1)} %, RSS ${mib(now.rss)} MiB`,
    );
    // The Lease is the only object that is written by PUT.
    const { PUT = 0, GET: _, ...writes } = Object.fromEntries(spent);
    expect(PUT).toBeGreaterThan(0);
    expect(PUT).toBeLessThanOrEqual(idleSeconds / 2 + 2);
    expect(sum(writes)).toBeLessThanOrEqual(idleSeconds / 60);
  });
});
