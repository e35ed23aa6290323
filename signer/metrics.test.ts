import { expect, it } from 'vitest';
import { signerMetrics, type SignerGauges } from './metrics.ts';

const gauges: SignerGauges = {
  version: '0.0.0',
  peers: () => [],
  limits: () => [],
  queueLength: () => 0,
  auditRecords: () => 0,
  diskFreeBytes: () => 0,
  diskFull: () => false,
};

it('shows how much of each limit is used, by the names that the policy has', async () => {
  const { registry } = signerMetrics('payments/treasury', 'client', {
    ...gauges,
    limits: () => [{ rule: 'payroll', limit: { seconds: 3600, count: 20 }, ratio: 0.7 }],
  });
  expect(await registry.metrics()).toContain(
    'holdfast_policy_limit_used_ratio{rule="payroll",limit="20 requests in 1h",wallet="payments/treasury",holder="client"} 0.7',
  );
});

it('counts audit records as the log does, whenever it is asked', async () => {
  let records = 41;
  const { registry } = signerMetrics('payments/treasury', 'client', { ...gauges, auditRecords: () => records++ });
  await registry.metrics();
  const text = await registry.metrics();
  expect(text).toContain('# TYPE holdfast_audit_records_total counter');
  expect(text).toContain('holdfast_audit_records_total{wallet="payments/treasury",holder="client"} 42');
});
