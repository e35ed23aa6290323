import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { signerSpec, untilObserved } from '../../test/fleet-suite.ts';
import type { Fleet } from './fleet.ts';
import { signerCommand } from './signer-command.ts';
import { fleetFolder, processesIn } from './testing/fleet-folder.ts';

const spec = signerSpec();
const untilReady = (fleet: Fleet): Promise<void> =>
  vi.waitFor(
    async () => {
      const seen = await fleet.observe(spec);
      const { status } = await fetch(`http://${seen?.metricsEndpoint}/readyz`);
      expect(status, seen?.message).toBe(200);
    },
    { timeout: 20_000, interval: 20 },
  );

describe('the command of a signer', () => {
  it('is the source beside sources and the bundle beside a bundle', () => {
    const files = { data: '/state/data', seal: '/seals/key' };
    expect(existsSync(signerCommand()(files).at(-1)!)).toBe(true);
    expect(signerCommand('file:///opt/holdfast/operator/fleet/signer-command.ts')(files).at(-1)).toBe(
      '/opt/holdfast/signer/main.ts',
    );
    const bundled = signerCommand('file:///opt/hold%20fast/holdfast.js', false)(files);
    expect(bundled.at(-1)).toBe('/opt/hold fast/signer.js');
    expect(bundled).toEqual(
      expect.arrayContaining([
        '--permission',
        '--allow-fs-read=/opt/hold fast/',
        '--allow-fs-read=/seals/key',
        '--allow-fs-write=/state/data',
      ]),
    );
    expect(bundled).not.toContain('--allow-addons');
  });

  it('lets native code in where there is an addon, and that one only', () => {
    const files = { data: '/state/data', seal: '/seals/key' };
    const command = signerCommand('file:///opt/holdfast/holdfast.js', '/opt/modules/holdfast.node')(files);
    expect(command).toEqual(expect.arrayContaining(['--allow-addons', '--allow-fs-read=/opt/modules/holdfast.node']));
  });

  it('starts a real signer, takes it up after a crash, ends it and moves it', { timeout: 60_000 }, async () => {
    const { folder, open } = fleetFolder();
    const fleet = await open({ command: signerCommand(), clock: systemClock });
    const place = join(folder, 'signers', spec.wallet, spec.holder);
    const log = (): string => readFileSync(join(place, 'signer.log'), 'utf8');
    await fleet.ensure(spec);
    await untilReady(fleet);
    const first = /"fingerprint":"(sha256:[0-9a-f]{64})"/.exec(log())?.[1];
    expect(first).toBeDefined();
    // Neither a warning of Node's nor one of its own: it has what it asks for.
    expect(log()).not.toMatch(/Warning|"level":"(?:warn|error)"/);

    processesIn(place).forEach((pid) => process.kill(pid, 'SIGKILL'));
    await untilObserved(fleet, spec, { running: true, restarts: 1 });
    await untilReady(fleet);
    expect(log().match(new RegExp(`"fingerprint":"${first}"`, 'g'))).toHaveLength(2);

    const before = await fleet.observe(spec);
    await fleet.remove(spec, { destroy: false });
    expect(log()).toContain('"signal":"SIGTERM"');
    expect(log()).not.toContain('did not stop in time');

    // It tells a taken port from other failures, so that it is given another.
    const squatter = createServer().listen({ host: '127.0.0.1', port: Number(before!.signEndpoint.split(':')[1]) });
    await once(squatter, 'listening');
    onTestFinished(() => void squatter.close());
    await fleet.ensure(spec);
    await untilObserved(fleet, spec, { running: true, restarts: 1 });
    await untilReady(fleet);
    expect((await fleet.observe(spec))?.signEndpoint).not.toBe(before?.signEndpoint);
    expect(processesIn(place)).toHaveLength(1);
  });
});
