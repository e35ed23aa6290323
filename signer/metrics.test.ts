import { expect, it } from 'vitest';
import { outcomeOf, reasons, type Reason } from '../common/reasons.ts';
import { signerMetrics, type SignerGauges } from './metrics.ts';

const gauges: SignerGauges = {
  version: '0.0.0',
  engine: 'noble',
  peers: () => [],
  limits: () => [],
  queueLength: () => 0,
  auditRecords: () => 0,
  diskFreeBytes: () => 0,
  diskFull: () => false,
  rollbackDetected: () => false,
  hsmState: () => undefined,
};

it('shows how much of each limit is used, by the names that the policy has', async () => {
  const { registry } = signerMetrics('payments/treasury', 'client', {
    ...gauges,
    limits: () => [{ rule: 'payroll', limit: { seconds: 3600, scope: 'Wallet', count: 20 }, ratio: 0.7 }],
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

it('counts a request that several rules allowed with the first of them', async () => {
  const { registry, meter } = signerMetrics('payments/treasury', 'client', gauges);
  meter.decision('payroll,refunds', 'Allow', '');
  meter.decision('payroll', 'Allow', '');
  const text = await registry.metrics();
  expect(text).toMatch(/holdfast_policy_decisions_total\{rule="payroll",verdict="Allow",reason="",.*\} 2\n/);
  expect(text).not.toContain('refunds');
});

it('has at most 1,000 series with three keys and three holders, whatever happened under 64 rules', async () => {
  const peers = ['client', 'backup'];
  const rules = Array.from({ length: 64 }, (_, i) => `rule-${i}`);
  const limit = { seconds: 86_400, scope: 'Path', count: 1 } as const;
  const { registry, meter, roundTrip } = signerMetrics('payments/treasury', 'infrastructure', {
    ...gauges,
    peers: () => peers.map((peer) => [peer, true] as const),
    limits: () => rules.map((rule) => ({ rule, limit, ratio: 1 })),
  });
  const all = Object.keys(reasons) as Reason[];
  const keys = [
    ['solana', 'EdDSA'],
    ['bitcoin', 'Schnorr'],
    ['cold', 'EdDSA'],
  ] as const;
  for (const [key, scheme] of keys) {
    for (const outcome of ['succeeded', 'denied', 'failed'] as const) meter.ceremony(key, scheme, 'sign', outcome, 1);
    for (const outcome of ['succeeded', 'failed'] as const) meter.ceremony(key, scheme, 'keygen', outcome, 1);
    for (const step of ['queue', 'policy', 'ledger', 'round', 'aggregate', 'verify'] as const)
      meter.step(scheme, 'sign', step, 1);
    for (const peer of peers) meter.nonces(key, peer, 64);
  }
  for (const outcome of ['denied', 'failed'] as const) meter.ceremony('', '', 'sign', outcome, 1);
  meter.step('', 'sign', 'policy', 1);
  for (const peer of peers) {
    roundTrip(peer, 1);
    for (const kind of ['sign', 'keygen'] as const) meter.failure(kind, 'CulpritFound', peer);
  }
  for (const reason of all.filter((name) => outcomeOf(name) === 'failed')) meter.failure('sign', reason, '');
  for (const reason of ['QuorumUnavailable', 'StorageFull', 'Internal']) meter.failure('keygen', reason, '');
  for (const reason of all) meter.decision('', 'Deny', reason);
  for (const rule of rules) {
    for (const other of rules) meter.decision(`${rule},${other}`, 'Allow', '');
    for (const reason of ['PolicyDenied', 'LimitExceeded', 'LimitContended']) meter.decision(rule, 'Deny', reason);
  }
  const series = (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(series.length).toBeLessThanOrEqual(1_000);
});

it('says whether there is an HSM, whether it serves and why not, one state at a time', async () => {
  let state: string | undefined;
  const { registry, hsmOperation } = signerMetrics('payments/treasury', 'backup', { ...gauges, hsmState: () => state });
  expect(await registry.metrics()).not.toContain('holdfast_hsm_available{');
  state = 'PinRefused';
  expect(await registry.metrics()).toMatch(/holdfast_hsm_available\{state="PinRefused",.*\} 0\n/);
  state = '';
  hsmOperation('Unwrap', 'TokenSlow', 5);
  const text = await registry.metrics();
  expect(text).toMatch(/holdfast_hsm_available\{state="Ready",.*\} 1\n/);
  expect(text).not.toContain('state="PinRefused"');
  expect(text).toMatch(/holdfast_hsm_operation_duration_seconds_count\{.*operation="Unwrap",outcome="TokenSlow"\} 1\n/);
});
