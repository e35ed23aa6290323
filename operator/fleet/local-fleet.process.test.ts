import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { fleetSuite, signerSpec, untilObserved, untilServing } from '../../test/fleet-suite.ts';
import type { SignerId } from './fleet.ts';
import { identityOf } from './process-identity.ts';
import { readRecord } from './process-record.ts';
import { fleetFolder, processesIn } from './testing/fleet-folder.ts';
import { quickClock } from './testing/quick-fleet.ts';

const spec = signerSpec();
const folderOf = (folder: string, { wallet, holder }: SignerId = spec): string =>
  join(folder, 'signers', wallet, holder);
const crash = (folder: string, id: SignerId = spec): void =>
  processesIn(folderOf(folder, id)).forEach((pid) => process.kill(pid, 'SIGKILL'));
const behave = (folder: string, behaviour: string): void => {
  mkdirSync(join(folderOf(folder), 'data'), { recursive: true });
  writeFileSync(join(folderOf(folder), 'data', 'behaviour'), behaviour);
};

fleetSuite('a fleet of local processes', async () => {
  const { folder, secrets, open } = fleetFolder();
  const fleet = await open();
  return {
    fleet,
    reopen: async () => {
      await fleet.close();
      return open();
    },
    count: (id) => processesIn(folderOf(folder, id)).length,
    crash: (id) => crash(folder, id),
    hasState: (id) => existsSync(join(folderOf(folder, id), 'data', 'sealed')),
    setSecret: (namespace, name, data) => secrets.set(namespace, name, data),
  };
});

type Told = {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly limits: string;
};
const tell = async (endpoint: string, path = '/'): Promise<Told> =>
  (await (await fetch(`http://${endpoint}${path}`)).json()) as Told;

describe('a process of a local fleet', { timeout: 30_000 }, () => {
  it('has no environment but its own, no core dumps and no secret among its arguments', async () => {
    const { folder, secrets, open } = fleetFolder();
    vi.stubEnv('NODE_OPTIONS', '--no-warnings');
    vi.stubEnv('HOLDFAST_PASSWORD', 'hunter2');
    onTestFinished(() => void vi.unstubAllEnvs());
    const key = Buffer.alloc(32, 0xa5);
    secrets.set('payments', 'seal', { kek: key });
    const fleet = await open();
    await fleet.ensure(spec);
    const told = await tell((await untilServing(fleet, spec)).metricsEndpoint);
    // What a shell sets by itself.
    expect(Object.keys(told.env).filter((name) => !['PWD', 'OLDPWD', 'SHLVL', '_'].includes(name))).toEqual([
      'GLIBC_TUNABLES',
    ]);
    expect(told.limits).toMatch(/Max core file size +0 +0 /);
    expect(told.argv.join(' ')).not.toContain(key.toString('base64'));
    const sealKey = told.argv[told.argv.indexOf('--seal-key-file') + 1]!;
    expect(sealKey).toBe(join(folder, 'seals', 'payments', 'treasury', 'client.key'));
    expect(statSync(sealKey).mode & 0o777).toBe(0o600);
    expect(readFileSync(sealKey, 'latin1')).toBe(key.toString('base64'));
    expect(statSync(join(folderOf(folder), 'data')).mode & 0o777).toBe(0o700);
    // As its umask has it.
    expect(statSync(join(folderOf(folder), 'data', 'sealed')).mode & 0o777).toBe(0o600);
  });

  it('is told to overwrite what it frees where its holder is a Backup, whatever its seal', async () => {
    const { open } = fleetFolder();
    const fleet = await open();
    const backup = signerSpec({ holder: 'backup', role: 'Backup' });
    await fleet.ensure(backup);
    const { env } = await tell((await untilServing(fleet, backup)).metricsEndpoint);
    expect(env['GLIBC_TUNABLES']).toMatch(/^glibc\.malloc\.arena_max=2:.*glibc\.malloc\.perturb=[1-9]/);
  });

  it('is killed if it does not hear SIGTERM', async () => {
    const { folder, open } = fleetFolder();
    behave(folder, 'deaf');
    const fleet = await open();
    await fleet.ensure(spec);
    await untilServing(fleet, spec);
    await fleet.remove(spec, { destroy: true });
    expect(processesIn(folder)).toEqual([]);
    expect(existsSync(folderOf(folder))).toBe(false);
    expect(existsSync(join(folder, 'seals', 'payments', 'treasury', 'client.key'))).toBe(false);
  });

  it('says why it ended, as its log does', async () => {
    const { folder, open } = fleetFolder();
    const fleet = await open();
    await fleet.ensure(spec);
    const { metricsEndpoint } = await untilServing(fleet, spec);
    behave(folder, 'exit 3');
    await tell(metricsEndpoint, '/crash').catch(() => {});
    await untilObserved(fleet, spec, {
      running: false,
      reason: 'Restarting',
      message: 'the signer ended with exit code 7: told to crash: as it was asked',
    });
    await untilObserved(fleet, spec, {
      running: false,
      reason: 'Restarting',
      message: 'the signer ended with exit code 3: told to exit',
    });
  });

  it('is not started again sooner because it is asked for again', async () => {
    const { folder, open } = fleetFolder();
    behave(folder, 'exit 3');
    // No pause before a restart ever ends.
    const fleet = await open({
      clock: { ...quickClock, after: (ms, run) => (ms < 500 ? quickClock.after(ms, run) : () => {}) },
    });
    await fleet.ensure(spec);
    await untilObserved(fleet, spec, {
      reason: 'Restarting',
      message: 'the signer ended with exit code 3: told to exit',
    });
    await fleet.ensure(spec);
    expect(await fleet.observe(spec)).toMatchObject({ running: false, restarts: 0 });
    behave(folder, '');
    await fleet.ensure(signerSpec({ operator: `sha256:${'1'.repeat(64)}` }));
    expect(await untilServing(fleet, spec)).toMatchObject({ restarts: 1 });
  });

  it('is given other ports when somebody has taken its own', async () => {
    const { folder, open } = fleetFolder();
    const fleet = await open();
    await fleet.ensure(spec);
    const before = await untilServing(fleet, spec);
    await fleet.remove(spec, { destroy: false });
    const squatter = createServer().listen({ host: '127.0.0.1', port: Number(before.peerEndpoint.split(':')[1]) });
    await once(squatter, 'listening');
    onTestFinished(() => void squatter.close());
    await fleet.ensure(spec);
    await vi.waitFor(async () => expect((await fleet.observe(spec))?.peerEndpoint).not.toBe(before.peerEndpoint), {
      timeout: 15_000,
    });
    const after = await untilServing(fleet, spec);
    expect(after.restarts).toBe(1);
    expect((await readRecord(join(folderOf(folder), 'process.json')))?.ports.peer).toBe(
      Number(after.peerEndpoint.split(':')[1]),
    );
  });

  it('writes on in its log after that became too large and was moved aside', async () => {
    const { folder, open } = fleetFolder();
    const fleet = await open();
    await fleet.ensure(spec);
    const { metricsEndpoint } = await untilServing(fleet, spec);
    const log = join(folderOf(folder), 'signer.log');
    await tell(metricsEndpoint, `/log/${(4 << 20) + 1}`);
    await vi.waitFor(() => expect(statSync(log).size).toBe(0), { timeout: 15_000 });
    expect(statSync(`${log}.1`).size).toBe(4 << 20);
    await tell(metricsEndpoint, '/log/3');
    expect(readFileSync(log, 'utf8')).toMatch(/^\{.*"message":"xxx"\}\n$/);
  });

  it.each([
    ['deleted', undefined],
    ['cut short', '{"process":{"pid":1'],
    ['about every process', '{"process":{"pid":-1,"started":""},"spec":"","ports":{},"restarts":0}'],
  ])('is found again although its record is %s', async (_, text) => {
    const { folder, open } = fleetFolder();
    const fleet = await open();
    await fleet.ensure(spec);
    const before = await untilServing(fleet, spec);
    await fleet.close();
    const record = join(folderOf(folder), 'process.json');
    rmSync(record);
    if (text !== undefined) writeFileSync(record, text);
    const next = await open();
    expect(await next.observe(spec)).toEqual(before);
    await next.ensure(spec);
    expect(await untilServing(next, spec)).toEqual({ ...before, restarts: 1 });
    expect(processesIn(folderOf(folder))).toHaveLength(1);
    expect(existsSync(join(folderOf(folder), 'data', 'doubles'))).toBe(false);
  });

  it('is not taken for another with its id', async () => {
    const { folder, open } = fleetFolder();
    const fleet = await open();
    await fleet.ensure(spec);
    await untilServing(fleet, spec);
    await fleet.close();
    crash(folder);
    const other = spawn('sleep', ['60'], { stdio: 'ignore' });
    onTestFinished(() => void other.kill('SIGKILL'));
    const record = join(folderOf(folder), 'process.json');
    const reused = readFileSync(record, 'utf8').replace(/"pid": \d+/, `"pid": ${other.pid}`);
    writeFileSync(record, reused);
    const next = await open();
    expect(await next.observe(spec)).toMatchObject({ running: false, reason: 'Pending' });
    await next.ensure(spec);
    await untilServing(next, spec);
    await next.close();
    crash(folder);
    writeFileSync(record, reused);
    await (await open()).remove(spec, { destroy: true });
    expect(identityOf(other.pid!)).toBeDefined();
  });

  it('is not lost when it cannot be started: that is tried again', async () => {
    const { folder, open } = fleetFolder();
    writeFileSync(join(folder, 'signers'), 'in the way');
    await expect(open()).rejects.toThrow('ENOTDIR');
    rmSync(join(folder, 'signers'));
    const fleet = await open();
    writeFileSync(join(folder, 'signers'), 'in the way');
    await fleet.ensure(spec);
    expect(await fleet.observe(spec)).toMatchObject({
      running: false,
      reason: 'InternalError',
      message: expect.stringContaining('ENOTDIR'),
    });
    rmSync(join(folder, 'signers'));
    await untilServing(fleet, spec);
  });

  it.each([
    [{ wallet: '../x' }],
    [{ wallet: 'payments/../x' }],
    [{ wallet: 'payments' }],
    [{ wallet: 'a/b/c' }],
    [{ holder: '..' }],
    [{ holder: '' }],
    [{ holder: 'a/b' }],
  ])('is refused under a name that leads elsewhere: %j', async (change) => {
    const fleet = await fleetFolder().open();
    await expect(fleet.ensure(signerSpec(change))).rejects.toThrow('want');
    await expect(fleet.remove(signerSpec(change), { destroy: true })).rejects.toThrow('want');
  });
});

describe('the seal key of a local signer', { timeout: 30_000 }, () => {
  it('is not replaced while there is state that only the old one opens', async () => {
    const { folder, secrets, open } = fleetFolder();
    const fleet = await open();
    await fleet.ensure(spec);
    await untilServing(fleet, spec);
    const file = join(folder, 'seals', 'payments', 'treasury', 'client.key');
    const key = readFileSync(file, 'latin1');
    const { running, warning } = (await fleet.observe(spec)) ?? {};
    expect({ running, warning }).toEqual({ running: true, warning: undefined });
    secrets.set('payments', 'seal', undefined);
    await fleet.ensure(spec);
    expect(await fleet.observe(spec)).toMatchObject({
      running: true,
      warning: {
        reason: 'SealNotFound',
        message: `there is no Secret payments/seal, whose key kek seals the signer's state; put back the one that the signer's state was sealed with, no other opens it (${file} has it)`,
      },
    });
    secrets.set('payments', 'seal', { kek: Buffer.alloc(32, 0x99) });
    await fleet.ensure(spec);
    expect(await fleet.observe(spec)).toMatchObject({ running: true, warning: { reason: 'SealInvalid' } });
    crash(folder);
    await untilObserved(fleet, spec, { running: false, reason: 'SealInvalid' });
    expect((await fleet.observe(spec))?.message).toContain('is not the one');
    expect(readFileSync(file, 'latin1')).toBe(key);
    secrets.set('payments', 'seal', { kek: Buffer.from(`${key}\n`) });
    await untilServing(fleet, spec);
  });

  it('may be replaced before the signer has any state', async () => {
    const { folder, secrets, open } = fleetFolder();
    const fleet = await open({ command: () => ['/nowhere/node'] });
    await fleet.ensure(spec);
    await untilObserved(fleet, spec, {
      running: false,
      reason: 'Restarting',
      message: expect.stringContaining('exit code 127: '),
    });
    const key = Buffer.alloc(32, 0x99);
    secrets.set('payments', 'seal', { kek: key });
    await vi.waitFor(
      () =>
        expect(readFileSync(join(folder, 'seals', 'payments', 'treasury', 'client.key'), 'latin1')).toBe(
          key.toString('base64'),
        ),
      { timeout: 15_000 },
    );
  });

  it.each([
    ['a password of 32 characters', Buffer.from('correct horse battery staple 123')],
    ['base64 of 16 bytes', Buffer.from(Buffer.alloc(16, 1).toString('base64'))],
    ['nothing', Buffer.alloc(0)],
    ['a megabyte', Buffer.alloc(1 << 20)],
  ])('is not %s', async (_, kek) => {
    const { secrets, open } = fleetFolder();
    secrets.set('payments', 'seal', { kek });
    const fleet = await open();
    await fleet.ensure(spec);
    expect(await fleet.observe(spec)).toMatchObject({ running: false, reason: 'SealInvalid' });
  });
});

describe('an operator that is killed while it starts and restarts signers', { timeout: 60_000 }, () => {
  it('never leaves two processes of one signer, or one that its successor does not know', async () => {
    const { folder, secrets, open } = fleetFolder();
    secrets.set('payments', 'seal', { kek: new Uint8Array(32) });
    for (let round = 0; round < 9; round++) {
      const operator = spawn(process.execPath, [join(import.meta.dirname, 'testing', 'fleet-process.ts'), folder], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      onTestFinished(() => void operator.kill('SIGKILL'));
      // Killed while it takes up what there is, starts signers, or restarts them, at another moment each time.
      const lines = createInterface({ input: operator.stdout })[Symbol.asyncIterator]();
      for (let line = 0; line <= round % 3; line++) expect((await lines.next()).done).toBe(false);
      await delay(Math.random() * 100);
      operator.kill('SIGKILL');
      await once(operator, 'exit');
    }
    const fleet = await open();
    const signers = ['client', 'backup'].map((holder) => signerSpec({ holder }));
    await Promise.all(signers.map((signer) => fleet.ensure(signer)));
    for (const signer of signers) {
      await untilServing(fleet, signer);
      const data = join(folderOf(folder, signer), 'data');
      expect(processesIn(folderOf(folder, signer))).toHaveLength(1);
      expect(readFileSync(join(data, 'starts'), 'utf8').split('\n').length).toBeGreaterThan(6);
      expect(existsSync(join(data, 'doubles'))).toBe(false);
      await fleet.remove(signer, { destroy: true });
    }
    expect(processesIn(folder)).toEqual([]);
  });
});
