import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { installSoftHsm, PIN, softHsmModule } from './testing/soft-token.ts';

beforeAll(installSoftHsm, 90_000);

/** A volume for a token, and the program over it. */
function volume() {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-token-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const mount = join(folder, 'mount');
  const tokens = join(mount, 'tokens');
  mkdirSync(mount);
  const pinFile = join(folder, 'pin');
  writeFileSync(pinFile, PIN, { mode: 0o400 });
  const config = join(folder, 'softhsm2.conf');
  writeFileSync(config, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`);
  const make = () => {
    const flags = { module: softHsmModule(), 'token-label': 'backup', 'pin-file': pinFile, folder: mount };
    const { status, stderr } = spawnSync(
      process.execPath,
      [
        join(import.meta.dirname, 'make-token.ts'),
        ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]),
      ],
      { env: { SOFTHSM2_CONF: config }, encoding: 'utf8' },
    );
    return { status, stderr };
  };
  return { mount, tokens, make };
}

describe('make-token over a folder', () => {
  it('makes a token once, and keeps the PIN of its officer for itself', () => {
    const { mount, tokens, make } = volume();
    expect(make()).toMatchObject({ status: 0, stderr: expect.stringContaining('made a token') });
    const [token] = readdirSync(tokens);
    expect(readFileSync(join(mount, 'officer.pin'), 'utf8')).toMatch(/^[0-9a-f]{32}\n$/);
    expect(statSync(join(mount, 'officer.pin')).mode & 0o777).toBe(0o600);
    expect(make()).toMatchObject({ status: 0, stderr: expect.stringContaining('there is a token') });
    expect(readdirSync(tokens)).toEqual([token]);
  });

  it('makes one anew that it did not finish', () => {
    const { mount, tokens, make } = volume();
    expect(make().status).toBe(0);
    const [token] = readdirSync(tokens);
    rmSync(join(mount, 'made'));
    expect(make()).toMatchObject({ status: 0, stderr: expect.stringContaining('made a token') });
    expect(readdirSync(tokens)).toHaveLength(1);
    expect(readdirSync(tokens)).not.toEqual([token]);
  });

  it('leaves a token alone that somebody else made', () => {
    const { mount, tokens, make } = volume();
    mkdirSync(join(tokens, 'a-token'), { recursive: true });
    expect(make()).toMatchObject({ status: 0, stderr: expect.stringContaining('there is a token') });
    expect(readdirSync(tokens)).toEqual(['a-token']);
    expect(existsSync(join(mount, 'officer.pin'))).toBe(false);
  });
});
