import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it, vi } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { installSoftHsm, softHsmModule } from '../../hsm/testing/soft-token.ts';
import type { Fleet } from '../../operator/fleet/fleet.ts';
import { findProcess } from '../../operator/fleet/process-identity.ts';
import { signerCommand } from '../../operator/fleet/signer-command.ts';
import { fleetFolder, processesIn } from '../../operator/fleet/testing/fleet-folder.ts';
import { signerSpec, untilObserved } from '../fleet-suite.ts';

beforeAll(installSoftHsm);

it(
  'runs a sidecar beside a signer with an HSM, through crashes, PINs and operators',
  { timeout: 120_000 },
  async () => {
    const { folder, secrets, open } = fleetFolder();
    const spec = signerSpec({
      holder: 'backup',
      role: 'Backup',
      seal: {
        kind: 'Pkcs11',
        module: softHsmModule(),
        tokenLabel: 'backup',
        tokenInFiles: true,
        secret: 'pin',
        key: 'pin',
      },
    });
    const place = join(folder, 'signers', spec.wallet, spec.holder);
    const socket = join(place, 'hsm.sock');
    const signer = (): number | undefined => findProcess(['--hsm-socket', socket])?.process.pid;
    const sidecar = (): number | undefined => findProcess(['--socket', socket])?.process.pid;
    const probe = async (fleet: Fleet): Promise<string> => {
      const seen = await fleet.observe(spec);
      return (await fetch(`http://${seen?.metricsEndpoint}/readyz`)).text();
    };
    const untilSays = (fleet: Fleet, words: RegExp): Promise<void> =>
      vi.waitFor(async () => expect(await probe(fleet), readFileSync(join(place, 'hsm.log'), 'utf8')).toMatch(words), {
        timeout: 20_000,
        interval: 50,
      });
    const fleet = await open({ command: signerCommand(), clock: systemClock });
    await fleet.ensure(spec);
    await untilObserved(fleet, spec, { running: false, reason: 'SealNotFound' });

    const pin = randomBytes(32);
    secrets.set('payments', 'pin', { pin });
    await fleet.ensure(spec);
    await untilSays(fleet, /^ok/);
    const pid = signer();
    const first = sidecar();
    expect(pid).toBeDefined();
    const log = readFileSync(join(place, 'signer.log'), 'utf8');
    expect(log).not.toMatch(/Warning|"level":"error"/);
    const pinFile = join(folder, 'seals', spec.wallet, 'backup.pin');
    expect(statSync(pinFile).mode & 0o777).toBe(0o600);
    expect(statSync(`${pinFile}.officer`).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'tokens', spec.wallet, 'backup')).mode & 0o777).toBe(0o700);

    // A wrong PIN takes effect when a session is opened: by the sidecar that comes after the one that is killed.
    secrets.set('payments', 'pin', { pin: Buffer.from('271828') });
    await fleet.ensure(spec);
    process.kill(first!, 'SIGKILL');
    await untilSays(fleet, /^not ready: PinRefused: /);
    secrets.set('payments', 'pin', { pin });
    await fleet.ensure(spec);
    await untilSays(fleet, /^ok/);

    // Another operator finds both.
    const second = sidecar();
    expect(second).not.toBe(first);
    await fleet.close();
    const next = await open({ command: signerCommand(), clock: systemClock });
    await next.ensure(spec);
    await untilSays(next, /^ok/);
    expect([signer(), sidecar()]).toEqual([pid, second]);

    await next.remove(spec, { destroy: false });
    expect(processesIn(place)).toEqual([]);
    await next.ensure(spec);
    await untilSays(next, /^ok/);
    await next.remove(spec, { destroy: true });
    expect(processesIn(folder)).toEqual([]);
    expect(existsSync(join(folder, 'tokens', spec.wallet, 'backup'))).toBe(false);
    expect(existsSync(pinFile)).toBe(false);
  },
);

it('says why a token cannot be made or a sidecar cannot be started, and starts both once that is mended', async () => {
  const { folder, secrets, open } = fleetFolder();
  secrets.set('payments', 'pin', { pin: randomBytes(32) });
  const module = join(folder, 'module.so');
  const seal = { kind: 'Pkcs11', module, tokenLabel: 'backup', tokenInFiles: true, secret: 'pin', key: 'pin' } as const;
  const spec = signerSpec({ holder: 'backup', role: 'Backup', seal });
  const fleet = await open({ command: signerCommand(), clock: systemClock });
  await fleet.ensure(spec);
  await untilObserved(fleet, spec, {
    running: false,
    reason: 'SealInvalid',
    message: expect.stringMatching(/^cannot make token backup: .*module\.so/),
  });
  symlinkSync(softHsmModule(), module);
  await untilObserved(fleet, spec, { running: true });

  const says = async (words: RegExp): Promise<void> =>
    vi.waitFor(
      async () => {
        const seen = await fleet.observe(spec);
        expect(await (await fetch(`http://${seen?.metricsEndpoint}/readyz`)).text()).toMatch(words);
      },
      { timeout: 30_000, interval: 100 },
    );
  await says(/^ok/);

  // What is sealed is with the first PIN's token: nothing of it is made anew when it is gone.
  const tokens = join(folder, 'tokens', spec.wallet, 'backup');
  await fleet.remove(spec, { destroy: false });
  renameSync(tokens, `${tokens}.away`);
  await fleet.ensure(spec);
  await says(/^not ready: (?:TokenMissing|ModuleMissing|TokenFailed): /);
  expect(existsSync(tokens)).toBe(false);
  renameSync(`${tokens}.away`, tokens);
  await says(/^ok/);
});
