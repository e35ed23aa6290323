import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { kubernetesMeter } from './kubernetes-metrics.ts';
import { readiness } from './readiness.ts';

test('the series have the names that dashboards read', async () => {
  const registry = new Registry();
  const meter = kubernetesMeter(registry);
  meter.onAnswer('GET', '200');
  meter.onAnswer('PATCH', '<error>');
  meter.leads('operator', false);
  meter.reflectors.listed('wallets', 3);
  meter.reflectors.watched('wallets');
  meter.reflectors.failed('wallets', '410');
  const lines = (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(lines).toEqual([
    'rest_client_requests_total{code="200",method="GET"} 1',
    'rest_client_requests_total{code="<error>",method="PATCH"} 1',
    'leader_election_master_status{name="operator"} 0',
    'reflector_lists_total{name="wallets"} 1',
    'reflector_items_per_list{name="wallets"} 3',
    'reflector_watches_total{name="wallets"} 1',
    'reflector_failures_total{name="wallets",reason="410"} 1',
  ]);
  meter.leads('operator', true);
  expect(await registry.metrics()).toContain('leader_election_master_status{name="operator"} 1');
});

test('a process is ready when every check holds, and says which do not', () => {
  const holds = { caches: false, certificates: false };
  const { ready, whyNotReady } = readiness({ caches: () => holds.caches, certificates: () => holds.certificates });
  expect([ready(), whyNotReady()]).toEqual([false, 'caches, certificates']);
  holds.caches = true;
  expect([ready(), whyNotReady()]).toEqual([false, 'certificates']);
  holds.certificates = true;
  expect([ready(), whyNotReady()]).toEqual([true, '']);
});
