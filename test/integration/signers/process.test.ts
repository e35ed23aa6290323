import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadAddon } from '../../../signer/native/addon.ts';
import { ProcessWallet, signerEntry } from './processes.ts';

describe('a signer process', () => {
  let wallet: ProcessWallet;
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-process-'));
  beforeAll(async () => {
    wallet = await ProcessWallet.start({ keys: [{ name: 'bitcoin', scheme: 'Schnorr' }] });
  });
  afterAll(async () => {
    await wallet.close();
    rmSync(folder, { recursive: true });
  });

  const seal = (name: string): string => {
    const file = join(folder, name);
    writeFileSync(file, randomBytes(32), { mode: 0o600 });
    return file;
  };
  const flags = (change: Readonly<Record<string, string>> = {}): string[] =>
    Object.entries({
      wallet: 'payments/treasury',
      holder: 'client',
      data: join(folder, 'data'),
      'seal-key-file': join(folder, 'kek'),
      operator: `sha256:${'00'.repeat(32)}`,
      'sign-listen': '127.0.0.1:0',
      'peer-listen': '127.0.0.1:0',
      'metrics-listen': '127.0.0.1:0',
      ...change,
    }).flatMap(([name, value]) => [`--${name}`, value]);
  /** Runs to its end: exit code and the last line it said. */
  const run = (args: readonly string[]): { code: number | null; message: string; lines: number } => {
    const { status, stderr } = spawnSync(process.execPath, [signerEntry(), ...args], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    const lines = stderr.trim().split('\n');
    return {
      code: status,
      message: (JSON.parse(lines.at(-1) ?? '{}') as { message: string }).message,
      lines: lines.length,
    };
  };
  const url = (name: string, path: string): string => `http://127.0.0.1:${wallet.signer(name).metricsPort}${path}`;

  it('says that it is healthy and ready, and what it measures', async () => {
    await wallet.sign('infrastructure', wallet.request('measured'));
    for (const path of ['/healthz', '/readyz']) expect((await fetch(url('infrastructure', path))).status).toBe(200);
    const text = await (await fetch(url('infrastructure', '/metrics'))).text();
    const everywhere = ['wallet="payments/treasury"', 'holder="infrastructure"'];
    const series: readonly (readonly [name: string, ...labels: string[]])[] = [
      [
        'holdfast_ceremony_duration_seconds_count',
        'key="bitcoin"',
        'scheme="Schnorr"',
        'ceremony="sign"',
        'outcome="succeeded"',
      ],
      ['holdfast_ceremony_step_duration_seconds_count', 'scheme="Schnorr"', 'ceremony="sign"', 'step="round"'],
      ['holdfast_policy_decisions_total', 'rule="any"', 'verdict="Allow"'],
      ['holdfast_peer_available', 'peer="client"'],
      ['holdfast_nonces_available', 'key="bitcoin"', 'peer="client"'],
      ['holdfast_audit_records_total'],
      ['holdfast_disk_free_bytes'],
      ['holdfast_signer_info', 'epoch="0"', `engine="${loadAddon().addon === undefined ? 'noble' : 'frost'}"`],
    ];
    for (const [name, ...labels] of series) {
      const line = text
        .split('\n')
        .find((l) => l.startsWith(`${name}{`) && [...labels, ...everywhere].every((label) => l.includes(label)));
      expect(Number(line?.split(' ').at(-1)), `${name} ${labels.join()}`).toBeGreaterThan(0);
    }
    expect(text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length).toBeLessThan(1_000);
  });

  it('logs lines of JSON with time, level and message', () => {
    const log = readFileSync(wallet.signer('client').logFile, 'utf8');
    for (const line of log.trim().split('\n'))
      expect(Object.keys(JSON.parse(line) as object)).toEqual(expect.arrayContaining(['time', 'level', 'message']));
  });

  it('ends on SIGTERM with code 0, and goes on where it stopped', async () => {
    const signer = wallet.signer('backup');
    const { identity, genesis } = await wallet.describe('backup');
    signer.close();
    expect(await signer.kill('SIGTERM')).toBe(0);
    await signer.start();
    expect(await wallet.describe('backup')).toMatchObject({ identity, genesis, keys: [{ state: 'Active' }] });
  });

  it('refuses a folder that another process has, with one line', () => {
    const kek = join(wallet.signer('client').folder, 'kek');
    const ended = run(flags({ data: join(wallet.signer('client').folder, 'data'), 'seal-key-file': kek }));
    expect(ended).toMatchObject({
      code: 1,
      lines: 1,
      message: expect.stringContaining('in use by another signer process'),
    });
  });

  it('exits with 98 where one of its ports is taken, whichever it is', async () => {
    seal('kek');
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const taken = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (const flag of ['sign-listen', 'metrics-listen'])
      expect(run(flags({ [flag]: taken })), flag).toMatchObject({
        code: 98,
        message: expect.stringContaining('EADDRINUSE'),
      });
    server.close();
  });

  it('refuses wrong flags, seals and folders, each with one clear line', () => {
    seal('kek');
    seal('other');
    expect(run([])).toMatchObject({ code: 2, lines: 1, message: expect.stringContaining('--wallet is missing') });
    expect(run(flags({ 'seal-key-file': join(folder, 'none') }))).toMatchObject({
      code: 1,
      message: expect.stringContaining('seal key file'),
    });
    expect(run(flags({ data: join(folder, 'kek', 'data') }))).toMatchObject({
      code: 1,
      message: expect.stringContaining('cannot make the state folder'),
    });
  });

  it('refuses to start with another seal key or as another holder than at first', async () => {
    seal('kek');
    const data = join(folder, 'first');
    const child = spawn(process.execPath, [signerEntry(), ...flags({ data })], { stdio: ['ignore', 'ignore', 'pipe'] });
    for await (const chunk of child.stderr) if (String(chunk).includes('"ready"')) child.kill('SIGKILL');
    expect(run(flags({ data, 'seal-key-file': seal('another') }))).toMatchObject({
      code: 1,
      message: expect.stringContaining('does not open the identity'),
    });
    expect(run(flags({ data, holder: 'backup' }))).toMatchObject({
      code: 1,
      message: expect.stringContaining('is that of signer payments/treasury/client'),
    });
  });

  it('opens no debugger on SIGUSR1', async () => {
    const signer = wallet.signer('client');
    process.kill(signer.pid, 'SIGUSR1');
    expect((await wallet.describe('client')).holder).toBe('client');
    expect(readFileSync(signer.logFile, 'utf8')).not.toContain('Debugger listening');
  });
});
