import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answers, group, items, leaseAt, leasePath } from '../../../cli/check/testing/cluster-answers.ts';
import { runScript } from './testing/script.ts';

let folder = '';
let forbidden: (path: string) => boolean = () => false;
let asked: string[] = [];

/** An API server that tells of one cluster, and takes nothing but questions. */
const server = http.createServer(({ method = '', url = '' }, response) => {
  const { pathname } = new URL(url, 'http://localhost');
  asked.push(`${method} ${pathname}`);
  const renewed = leaseAt(new Date().toISOString());
  const answer = forbidden(pathname)
    ? undefined
    : pathname === leasePath
      ? renewed
      : (answers[pathname] ?? (pathname.startsWith('/apis/') ? items() : undefined));
  response.writeHead(answer === undefined ? 403 : 200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(answer ?? { kind: 'Status', code: 403, reason: 'Forbidden', message: 'no' }));
});

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-check-'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  writeFileSync(
    join(folder, 'kubeconfig'),
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'a', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
      contexts: [{ name: 'a', context: { cluster: 'a', user: 'a', namespace: 'payments' } }],
      users: [{ name: 'a', user: { token: 'x' } }],
      'current-context': 'a',
    }),
  );
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

test('a cluster is looked at through its kubeconfig, and nothing is written', async () => {
  asked = [];
  await runScript(
    [
      '5> KUBECONFIG=$PWD/kubeconfig holdfast check',
      'err target: cluster http://127.0.0.1:',
      'out ok       Kubernetes v1.31.2',
      'out error    kinds: signers',
      'out error    operator holdfast/holdfast: not available: no pods',
      'out kubectl -n holdfast describe pods',
      'out ok       Lease holdfast/holdfast: renewed by pod',
      'out warning  admission: there is no holdfast.keep-wallets',
      'out ok       NetworkPolicies: one for each of 1 signer',
      'out Wallet payments/treasury',
      '5> KUBECONFIG=$PWD/kubeconfig holdfast check --wallet payments/treasury',
      'out Wallet payments/treasury',
      '1> KUBECONFIG=$PWD/kubeconfig holdfast check --wallet payments/tresury',
      'err hint: did you mean payments/treasury?',
    ].join('\n'),
    folder,
  );
  expect(asked.filter((question) => !question.startsWith('GET '))).toEqual([]);
  expect(asked).toContain(`GET ${group}/wallets`);
});

test('who may read only one namespace is told what was not looked at', async () => {
  forbidden = (path) => path !== '/version' && !path.includes('/namespaces/payments/');
  await runScript(
    [
      '> KUBECONFIG=$PWD/kubeconfig holdfast check',
      'out ok       Kubernetes v1.31.2',
      "out note     not looked at, since the kubeconfig's user may not read them:",
      'out operator, admission policies',
      'out ok       0 wallets, 0 signers',
      'out docs/reference/checks.md#rights',
    ].join('\n'),
    folder,
  );
});
