import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { systemClock as clock } from '../../common/clock.ts';
import { KubeClient } from './kube-client.ts';
import { pathOf } from './kube-object.ts';
import { leaseType } from './lease.ts';
import { ApiServer } from './testing/api-server.ts';
import { runThings, thingType } from './testing/things.ts';

const namespace = 'holdfast';
const list = pathOf(thingType, { namespace });

test('a controller brings every object where it should be, through a server that fails', async () => {
  const server = await new ApiServer().start();
  const client = new KubeClient({ credentials: server.credentials, clock, userAgent: 'example/1' });
  const stop = new AbortController();
  const registry = new Registry();
  const running = runThings({
    client,
    namespace,
    identity: 'operator-0',
    registry,
    electionSpeed: 0.05,
    signal: stop.signal,
  });
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

  const lease = pathOf(leaseType, { namespace, name: 'operator' });
  expect(server.get(lease)?.spec).toMatchObject({ holderIdentity: 'operator-0' });
  expect(await registry.metrics()).toContain('leader_election_master_status{name="operator"} 1');
  stop.abort();
  await running;
  expect(server.get(lease)?.spec).toMatchObject({ holderIdentity: '' });
  expect(await registry.metrics()).toContain('leader_election_master_status{name="operator"} 0');
  client.close();
  await server.close();
});
