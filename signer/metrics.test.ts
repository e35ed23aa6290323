import { expect, it } from 'vitest';
import { signerMetrics } from './metrics.ts';

it('shows how much of each limit is used, by the names that the policy has', async () => {
  const { registry } = signerMetrics('payments/treasury', 'client', {
    version: '0.0.0',
    peers: () => [],
    limits: () => [{ rule: 'payroll', limit: { seconds: 3600, count: 20 }, ratio: 0.7 }],
    queueLength: () => 0,
    auditRecords: () => 0,
    diskFreeBytes: () => 0,
  });
  expect(await registry.metrics()).toContain(
    'holdfast_policy_limit_used_ratio{rule="payroll",limit="20 requests in 1h",wallet="payments/treasury",holder="client"} 0.7',
  );
});
