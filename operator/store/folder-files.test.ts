import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FolderFiles } from './folder-files.ts';
import type { Scan } from './folder-files.ts';
import { problemText } from './manifest.ts';
import { policy, wallet } from './testing/drafts.ts';
import { put, temporaryFolder } from './testing/folder.ts';

const found = ({ readings }: Scan): readonly string[] =>
  readings.flatMap(({ file, manifests }) => manifests.map(({ key }) => `${file} ${key.kind}/${key.name}`)).toSorted();
const problems = ({ readings }: Scan): readonly string[] =>
  readings.flatMap((reading) => reading.problems.map(problemText));
const scan = (folder: string): Promise<Scan> => new FolderFiles(folder, 0).scan();
const before = new Date(Date.now() - 3_600_000);

describe('a folder of manifests', () => {
  it('is read with its folders, but for other files and what begins with a dot', async () => {
    const folder = temporaryFolder({
      'a.yaml': wallet('a'),
      'sub/b.yml': wallet('b'),
      'sub/deeper.d/c.json': JSON.stringify(wallet('c')),
      'README.md': 'not: a: manifest',
      '.hidden.yaml': wallet('d'),
      '.git/e.yaml': wallet('e'),
      'a.yaml~': wallet('f'),
    });
    expect(found(await scan(folder))).toEqual([
      'a.yaml Wallet/a',
      'sub/b.yml Wallet/b',
      'sub/deeper.d/c.json Wallet/c',
    ]);
  });

  it('is read again only where a file changed', async () => {
    const folder = temporaryFolder({ 'a.yaml': wallet('a'), 'b.yaml': wallet('b') });
    const files = new FolderFiles(folder, 0);
    const [first] = (await files.scan()).readings;
    put(folder, 'b.yaml', [wallet('b'), wallet('c')]);
    const again = await files.scan();
    expect(again.readings[0]).toBe(first);
    expect(found(again)).toEqual(['a.yaml Wallet/a', 'b.yaml Wallet/b', 'b.yaml Wallet/c']);
  });

  it('believes a file only once it has been left alone', async () => {
    const folder = temporaryFolder({ 'a.yaml': policy() });
    const files = new FolderFiles(folder, 60_000);
    const fresh = await files.scan();
    expect(fresh).toMatchObject({
      unsettled: true,
      partial: false,
      readings: [{ file: 'a.yaml', manifests: [], problems: [], unclear: true }],
    });
    utimesSync(join(folder, 'a.yaml'), before, before);
    const settled = await files.scan();
    expect(settled.unsettled).toBe(false);
    expect(found(settled)).toEqual(['a.yaml SigningPolicy/treasury']);
    put(folder, 'a.yaml', '');
    expect(found(await files.scan())).toEqual(['a.yaml SigningPolicy/treasury']);
  });

  it('may be a mounted ConfigMap, whose files are links that all change at once', async () => {
    const folder = temporaryFolder({
      '..first/a.yaml': wallet('a'),
      '..first/b.yaml': wallet('b'),
      '..second/a.yaml': wallet('c'),
    });
    symlinkSync('..first', join(folder, '..data'));
    for (const name of ['a.yaml', 'b.yaml']) symlinkSync(`..data/${name}`, join(folder, name));
    const files = new FolderFiles(folder, 0);
    expect(found(await files.scan())).toEqual(['a.yaml Wallet/a', 'b.yaml Wallet/b']);
    symlinkSync('..second', join(folder, '..new'));
    renameSync(join(folder, '..new'), join(folder, '..data'));
    const swapped = await files.scan();
    expect(found(swapped)).toEqual(['a.yaml Wallet/c']);
    // The link to what is gone is left until the kubelet takes it away.
    expect(swapped.readings.find(({ file }) => file === 'b.yaml')?.unclear).toBe(true);
    unlinkSync(join(folder, 'b.yaml'));
    expect(problems(await files.scan())).toEqual([]);
  });

  it('is followed through links to files and folders, but not around in circles', async () => {
    const elsewhere = temporaryFolder({ 'file.yaml': wallet('a'), 'dir/b.yaml': wallet('b') });
    const folder = temporaryFolder();
    symlinkSync(join(elsewhere, 'file.yaml'), join(folder, 'a.yaml'));
    symlinkSync(join(elsewhere, 'dir'), join(folder, 'linked'));
    symlinkSync(join(elsewhere, 'dir'), join(folder, 'linked-again'));
    symlinkSync('.', join(folder, 'self'));
    symlinkSync('..', join(elsewhere, 'dir', 'up'));
    expect(found(await scan(folder))).toEqual([
      'a.yaml Wallet/a',
      'linked/b.yaml Wallet/b',
      'linked/up/file.yaml Wallet/a',
    ]);
  });

  it.each<[string, (folder: string) => void, string]>([
    ['a pipe', (folder) => execFileSync('mkfifo', [join(folder, 'a.yaml')]), 'a.yaml: is not a regular file'],
    ['a device', (folder) => symlinkSync('/dev/zero', join(folder, 'a.yaml')), 'a.yaml: is not a regular file'],
    ['a link to nowhere', (folder) => symlinkSync('nowhere', join(folder, 'a.yaml')), 'a.yaml: ENOENT'],
    ['a link to itself', (folder) => symlinkSync('a.yaml', join(folder, 'a.yaml')), 'a.yaml: ELOOP'],
    [
      'a file that is too large',
      (folder) => put(folder, 'a.yaml', Buffer.alloc(8 << 20, '#')),
      'a.yaml: want at most 1048576 bytes',
    ],
  ])('says so of %s', async (_, make, message) => {
    const folder = temporaryFolder({ 'b.yaml': wallet() });
    make(folder);
    const result = await scan(folder);
    expect(problems(result)).toEqual([expect.stringContaining(message)]);
    expect(found(result)).toEqual(['b.yaml Wallet/treasury']);
    expect(result.partial).toBe(false);
  });

  it('is known to be read in part only where it goes too deep or cannot be found', async () => {
    const folder = temporaryFolder({ [`${'d/'.repeat(40)}a.yaml`]: wallet(), 'b.yaml': policy() });
    const deep = await scan(folder);
    expect(deep.partial).toBe(true);
    expect(found(deep)).toEqual(['b.yaml SigningPolicy/treasury']);
    expect(problems(deep)).toEqual([expect.stringContaining('is more than 16 folders deep')]);
    expect(await scan(join(folder, 'missing'))).toMatchObject({
      partial: true,
      readings: [{ file: '.', unclear: true }],
    });
  });

  it('is known to be read in part only where it has too many folders or manifests', async () => {
    const folder = temporaryFolder();
    for (let i = 0; i < 1005; i++) mkdirSync(join(folder, `d${i}`));
    expect(problems(await scan(folder))).toEqual([expect.stringContaining('want at most 1000')]);
    const other = temporaryFolder();
    for (let i = 0; i < 2005; i++) put(other, `${i}.yaml`, '# nothing');
    const many = await scan(other);
    expect(many).toMatchObject({ partial: true });
    expect(problems(many)).toEqual([expect.stringContaining('want at most 2000 manifests')]);
  });

  it('is not mistaken for another one that takes its place', async () => {
    const parent = temporaryFolder({ 'dir/a.yaml': wallet() });
    const folder = join(parent, 'dir');
    const files = new FolderFiles(folder, 0);
    await files.scan();
    renameSync(folder, join(parent, 'away'));
    mkdirSync(folder);
    const replaced = await files.scan();
    expect(replaced.partial).toBe(true);
    expect(problems(replaced)).toEqual([expect.stringContaining('the folder was replaced by another one')]);
    rmSync(folder, { recursive: true });
    renameSync(join(parent, 'away'), folder);
    expect(await files.scan()).toMatchObject({ partial: false });
  });
});
