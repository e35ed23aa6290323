import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { systemClock as clock } from '../../common/clock.ts';
import { silentLog as log } from '../../common/log.ts';
import { controllerMeter } from './controller-metrics.ts';
import { startController } from './controller.ts';
import { KubeClient } from './kube-client.ts';
import { nameOf, pathOf } from './kube-object.ts';
import { kubernetesMeter } from './kubernetes-metrics.ts';
import { runElected } from './leader-election.ts';
import { leaseType } from './lease.ts';
import { applyStatus } from './objects.ts';
import { Reflector } from './reflector.ts';
import { ApiServer } from './testing/api-server.ts';
import type { Stored } from './testing/api-state.ts';
import { hastyClock } from './testing/hasty-clock.ts';

const type = { apiVersion: 'example.dev/v1', kind: 'Thing', plural: 'things' } as const;
const list = pathOf(type, { namespace: 'holdfast' });

/** A busy machine may keep a process from renewing its lease in time, which is not what this is about. */
const unhurried = hastyClock(0.05);

/** As README.md's example. */
async function runThings(client: KubeClient, registry: Registry, signal: AbortSignal): Promise<void> {
  const { reflectors, leads } = kubernetesMeter(registry);
  const lease = { namespace: 'holdfast', name: 'operator', identity: 'operator-0' };
  const onChange = (now: boolean): void => leads('operator', now);
  await runElected({ client, clock: unhurried, log, signal, onChange, ...lease }, async (signal) => {
    const things = new Reflector<Stored>({
      name: 'things',
      client,
      path: list,
      clock,
      log,
      meter: reflectors,
      onChange: ({ object }) => controller.add(nameOf(object.metadata)),
    });
    const controller = startController({
      name: 'thing',
      workers: 4,
      clock,
      log,
      signal,
      meter: controllerMeter(registry),
      reconcile: async (key, signal) => {
        const [namespace = '', name = ''] = key.split('/');
        const thing = things.cache.get(name, namespace);
        const size = (thing?.spec as { size?: number } | undefined)?.size;
        if (thing === undefined || (thing.status as { size?: number } | undefined)?.size === size) return undefined;
        await applyStatus(client, type, thing.metadata, { size }, { fieldManager: 'example-thing', signal });
        return undefined;
      },
    });
    await things.run(signal);
    await controller.stop();
  });
}

test('a controller brings every object where it should be, through a server that fails', async () => {
  const server = await new ApiServer().start();
  const client = new KubeClient({ credentials: server.credentials, clock, userAgent: 'example/1' });
  const stop = new AbortController();
  const registry = new Registry();
  const running = runThings(client, registry, stop.signal);
  running.catch(() => {});
  const sizes = (): readonly unknown[] =>
    [...server.stored(list).values()].map(({ status }) => (status as { size?: number } | undefined)?.size);
  for (let i = 0; i < 10; i++) server.put(`${list}/thing-${i}`, { spec: { size: i } });
  await expect.poll(sizes, { timeout: 60_000 }).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);

  server.faults.push({ kind: 'status', status: 500 }, { kind: 'status', status: 409 }, { kind: 'cut off' });
  server.disturb('cut off');
  for (let i = 0; i < 10; i++) server.put(`${list}/thing-${i}`, { spec: { size: i + 10 } });
  server.remove(`${list}/thing-9`);
  server.compact();
  await expect.poll(sizes, { timeout: 60_000 }).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18]);

  const lease = pathOf(leaseType, { namespace: 'holdfast', name: 'operator' });
  expect(server.get(lease)?.spec).toMatchObject({ holderIdentity: 'operator-0' });
  expect(await registry.metrics()).toContain('leader_election_master_status{name="operator"} 1');
  stop.abort();
  await running;
  expect(server.get(lease)?.spec).toMatchObject({ holderIdentity: '' });
  expect(await registry.metrics()).toContain('leader_election_master_status{name="operator"} 0');
  client.close();
  await server.close();
});
