import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Finding } from '../../../cli/check/finding.ts';
import { silentLog } from '../../../common/log.ts';
import { runEmbedded } from '../../../operator/embedded.ts';
import { manifestsFolder } from '../testing/manifests-folder.ts';
import type { ManifestsFolder } from '../testing/manifests-folder.ts';
import { OperatorUnderTest } from '../testing/operator-under-test.ts';
import { environment, root } from './testing/script.ts';

const run = promisify(execFile);
let folder: ManifestsFolder;
let operator: OperatorUnderTest;

beforeAll(async () => {
  folder = await manifestsFolder();
  operator = new OperatorUnderTest(folder.dir);
  await operator.untilCondition({ kind: 'Wallet', namespace: 'payments', name: 'treasury' }, 'Ready', 'True');
});
afterAll(async () => {
  await operator.end('SIGTERM');
  const stop = new AbortController();
  const { ended } = await runEmbedded({ dir: folder.dir, signal: stop.signal, log: silentLog, stopSigners: true });
  stop.abort();
  await ended;
  await folder.remove();
});

type Found = { readonly group: string } & Finding;

/** The real command: its exit code, and what it found. */
async function check(
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly findings: readonly Found[] }> {
  const words = ['check', '--dir', folder.dir, '-o', 'json', ...args];
  const ended = await run(join(root, 'bin/holdfast'), words, { env: environment(folder.dir) }).then(
    ({ stdout }) => ({ code: 0, stdout }),
    (error: unknown) => error as { readonly code: number; readonly stdout: string },
  );
  const { findings } = JSON.parse(ended.stdout) as { readonly findings: readonly Found[] };
  return { code: ended.code, findings };
}
const found = (findings: readonly Found[], ...levels: readonly string[]): readonly string[] =>
  findings.filter(({ level }) => levels.includes(level)).map(({ id, what }) => `${id}: ${what}`);

const pidOf = (holder: string): number => {
  const file = join(folder.dir, '.holdfast/signers/payments/treasury', holder, 'process.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly process: { readonly pid: number } }).process.pid;
};

test('a wallet that works has no warning, and says of each signer what it is', async () => {
  const { code, findings } = await check();
  expect(found(findings, 'warning', 'error')).toEqual([]);
  expect(code).toBe(0);
  expect(findings.filter(({ id, level }) => id === 'signer' && level === 'ok')).toHaveLength(3);
  expect(found(findings, 'ok').join('\n')).toMatch(/signer: client: serves, version [^,]+, EdDSA and Schnorr by \w+/);
  expect(found(findings, 'note').join('\n')).toContain('SharedMachine: ');
});

test('a manifest that cannot be used, and files that others may read, are found while it works', async () => {
  await folder.write('wrong.yaml', { apiVersion: 'holdfast.dev/v1alpha1', kind: 'Wallet', metadata: { name: 'x' } });
  chmodSync(join(folder.dir, '.holdfast'), 0o755);
  chmodSync(join(folder.dir, '.holdfast/seals'), 0o755);
  const { code, findings } = await check('--wallet', 'payments/treasury');
  await folder.delete('wrong.yaml');
  for (const path of ['.holdfast', '.holdfast/seals']) chmodSync(join(folder.dir, path), 0o700);
  expect(code).toBe(5);
  expect(found(findings, 'error')).toEqual([expect.stringMatching(/^manifests: wrong\.yaml, document 1: spec/)]);
  expect(found(findings, 'warning')).toEqual([
    'state-permissions: others than its user may read or write 2 files of it: .holdfast, .holdfast/seals',
  ]);
});

test('signers that are gone are found one by one, and together once all are', async () => {
  const pids = ['backup', 'client', 'infrastructure'].map(pidOf);
  // Else it would start them again.
  await operator.end('SIGTERM');
  const [backup, client, infrastructure] = pids;
  process.kill(backup!, 'SIGKILL');
  const one = await check();
  expect(one.code).toBe(5);
  expect(found(one.findings, 'error')).toEqual([]);
  expect(found(one.findings, 'warning')).toEqual([expect.stringMatching(/^signer: backup: .*connection refused/)]);

  process.kill(client!, 'SIGKILL');
  const two = await check();
  expect(found(two.findings, 'error')).toEqual([
    'wallet-signers-available: 1 of 3 signers: too few, nothing can be signed',
    expect.stringMatching(/^signer: infrastructure: .|^signer: client: /),
    expect.stringMatching(/^signer: backup: /),
  ]);

  process.kill(infrastructure!, 'SIGKILL');
  const all = await check();
  expect(found(all.findings, 'warning', 'error')).toEqual([
    'signer: no signer answers, and no operator runs that would start them: nothing can be signed',
  ]);
});

test('a folder that may only be read is found before an operator fails at it', async () => {
  const readOnly = mkdtempSync(join(tmpdir(), 'holdfast-read-only-'));
  try {
    writeFileSync(join(readOnly, 'wallet.yaml'), readFileSync(join(folder.dir, 'wallet.yaml')));
    chmodSync(readOnly, 0o555);
    const program = fileURLToPath(new URL('testing/check-without-rights.ts', import.meta.url));
    const { stdout } = await run(process.execPath, [program, readOnly, join(readOnly, '.holdfast')]);
    const findings = JSON.parse(stdout) as readonly Found[];
    expect(found(findings, 'warning', 'error')).toEqual([
      expect.stringMatching(/^state-folder: cannot write to .*\.holdfast: EACCES/),
    ]);
  } finally {
    chmodSync(readOnly, 0o755);
    rmSync(readOnly, { recursive: true });
  }
});
