import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from './testing/temporary-folder.ts';

const program = fileURLToPath(new URL('./testing/full-disk-process.ts', import.meta.url));
const large = fileURLToPath(new URL('./testing/large-change-process.ts', import.meta.url));
const writer = fileURLToPath(new URL('./testing/writer-process.ts', import.meta.url));

/** Runs `command` in name spaces of its own, where it may mount; $0 is a folder. */
const apart = (command: string, folder: string) =>
  spawnSync('unshare', ['--user', '--map-root-user', '--mount', 'sh', '-c', command, folder], {
    encoding: 'utf8',
    timeout: 60_000,
  });

const mounted = apart('mount -t tmpfs -o size=1m none "$0"', '/mnt');
const why = `no small disk can be mounted here: ${mounted.error?.message ?? mounted.stderr.trim()}`;

// Said aloud: a reporter shows no reason of what it skips.
if (mounted.status !== 0) process.stderr.write(`full and read-only disks are not tried: ${why}\n`);

describe.skipIf(mounted.status !== 0)('a disk', { timeout: 60_000 }, () => {
  it('that is full takes spends and bans, refuses the rest by name, and takes all again when there is space', () => {
    const { stdout, stderr } = apart(
      `mount -t tmpfs -o size=8m none "$0" && exec "${process.execPath}" "${program}" "$0"`,
      temporaryFolder(),
    );
    expect(stderr).toBe('');
    const problem = 'the disk of its state is full: it signs again once 2 MiB are free there';
    const refused = `StorageFull: ${problem}`;
    expect(JSON.parse(stdout)).toEqual({
      before: ['written', true, ''],
      'ordinary on the full disk': [refused, false, problem],
      'while it is full': [refused, 'written', refused, 'written', 'written'],
      'many spends': ['written'],
      'opened again while it is full': [problem, refused, 'written'],
      'when there is space again': ['', 'written', 'written', true],
      'on disk': ['Spent', 'none', 'Spent', 'none', 'none', 'Spent', 'Reserved', 'Spent'],
      told: ['full', 'full', 'room'],
      fenced: ['cheated'],
      chain: true,
    });
  });

  it('that is read-only is refused with the folder and what to do', () => {
    const { stderr, status } = apart(
      `mount -t tmpfs none "$0" && mkdir "$0/state" && mount -o remount,ro "$0" && exec "${process.execPath}" "${writer}" "$0/state" 0`,
      temporaryFolder(),
    );
    expect(status).toBe(1);
    expect(stderr).toMatch(/cannot lock the state folder .*\/state: EROFS/);
  });

  it('that is the only writable one is enough: a container has no other, and no folder for temporary files', () => {
    const { stdout, stderr } = apart(
      `mount --rbind / / && cd / && mount -t tmpfs none /mnt && mount -o remount,bind,ro / && exec "${process.execPath}" "${large}" /mnt`,
      temporaryFolder(),
    );
    expect(stderr).toBe('');
    expect(stdout).toBe('written\nwritten\n');
  });

  it('that became read-only under a state that is in use is refused', () => {
    const { stdout, stderr, status } = apart(
      `mount -t tmpfs none "$0" && timeout -s KILL 2 "${process.execPath}" "${writer}" "$0/state" 0 | head -n 20
      mount -o remount,ro "$0" && exec "${process.execPath}" "${writer}" "$0/state" 1000000`,
      temporaryFolder(),
    );
    expect(stdout).toMatch(/^opened\n(?:\d+\n){19}$/);
    expect(stderr).toMatch(/cannot lock the state folder .*\/state: EROFS/);
    expect(status).toBe(1);
  });

  it('that became read-only is refused too', () => {
    const { stderr, status } = apart(
      `mount -t tmpfs none "$0" && mkdir "$0/state" && touch "$0/state/lock.db" "$0/state/state.db" && mount -o remount,ro "$0" && exec "${process.execPath}" "${writer}" "$0/state" 0`,
      temporaryFolder(),
    );
    expect(status).toBe(1);
    expect(stderr).toMatch(/state folder .*\/state|signer's state/);
  });
});
