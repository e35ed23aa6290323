import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { resourceStoreSuite } from '../../test/resource-store-suite.ts';
import { keyOf } from '../api/resource.ts';
import { openFolderStore } from './folder-store.ts';
import type { FolderStore } from './folder-store.ts';
import { openFolderView } from './folder-view.ts';
import { problemText } from './manifest.ts';
import type { ManifestProblem } from './manifest.ts';
import { policy, signer, wallet } from './testing/drafts.ts';
import { manifest, opened, put, temporaryFolder } from './testing/folder.ts';
import { setStatus } from './testing/set-status.ts';

resourceStoreSuite('a folder of manifests', async () => {
  const folder = temporaryFolder();
  const store = await opened(folder);
  const file = ({ kind, name }: { kind: string; name: string }): string => `${kind}-${name}.yaml`;
  return {
    store,
    async write(object) {
      put(folder, file({ kind: object.kind, name: object.metadata.name }), object);
      await store.rescan();
    },
    async delete(key) {
      rmSync(join(folder, file(key)));
      await store.rescan();
    },
    events: (key) => store.events(key),
  };
});

const walletKey = keyOf<'Wallet'>(wallet());
const texts = (store: FolderStore): readonly string[] => store.problems().map(problemText);
const objectFile = (folder: string): string =>
  join(folder, '.holdfast/store/objects/Wallet/payments/treasury/object.json');

/** What is in force once `found` finds it. */
async function until<T>(store: FolderStore, found: () => Promise<T | undefined>): Promise<T> {
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  for await (const _ of store.changes(abort.signal)) {
    const value = await found();
    if (value !== undefined) return value;
  }
  throw new Error('the store closed');
}

describe('a store over a folder', () => {
  it('keeps what was in force where a manifest goes wrong, and says what is wrong until it is right', async () => {
    const reported: (readonly ManifestProblem[])[] = [];
    const folder = temporaryFolder({ 'all.yaml': [wallet(), policy()] });
    const store = await opened(folder, { onProblems: (problems) => reported.push(problems) });
    const before = [...(await store.list('Wallet')), ...(await store.list('SigningPolicy'))];
    const wrong = [
      wallet('treasury', { threshold: 7 }),
      '',
      '{',
      Buffer.alloc(3 << 20),
      [wallet(), wallet()],
      manifest([wallet(), policy()]).slice(0, -40),
    ];
    for (const content of wrong) {
      put(folder, 'all.yaml', content);
      await store.rescan();
      expect([...(await store.list('Wallet')), ...(await store.list('SigningPolicy'))]).toEqual(before);
      expect(store.problems()).not.toEqual([]);
      expect(reported.at(-1)).toEqual(store.problems());
    }
    put(folder, 'all.yaml', [wallet(), policy()]);
    await store.rescan();
    expect(store.problems()).toEqual([]);
    expect(reported.at(-1)).toEqual([]);
    expect(await store.events(walletKey)).toMatchObject([
      {
        type: 'Warning',
        reason: 'InvalidManifest',
        message: expect.stringContaining('all.yaml, document 1: spec.threshold'),
        count: 1,
      },
      { message: expect.stringContaining('is also in') },
      { message: expect.stringContaining('is also in') },
    ]);
  });

  it('has everything again when it is opened again', async () => {
    const folder = temporaryFolder({ 'a.yaml': wallet() });
    const first = await opened(folder);
    await first.apply(signer());
    await setStatus(first, walletKey, { observedGeneration: 1, keysReady: '1/1' });
    await first.event(walletKey, 'Normal', 'KeysGenerated', 'all');
    const state = async (store: FolderStore): Promise<unknown> => [
      await store.list('Wallet'),
      await store.list('Signer'),
      await store.events(walletKey),
    ];
    const before = await state(first);
    await first.close();
    expect(await state(await opened(folder))).toEqual(before);
  });

  it('holds what cannot change to what was in force, whatever happened to the manifest meanwhile', async () => {
    const folder = temporaryFolder({ 'a.yaml': wallet() });
    const holders = [...wallet().spec.holders, { name: 'third', role: 'Client' as const }];
    const other = wallet('treasury', { holders, threshold: 3 });
    await (await opened(folder)).close();

    put(folder, 'a.yaml', other);
    const changed = await opened(folder);
    expect(texts(changed)).toContain(
      'a.yaml, document 1: spec.threshold: threshold cannot change; it is 2; nothing was founded yet: delete the manifest, then write it anew',
    );
    expect((await changed.get(walletKey))?.spec.threshold).toBe(2);
    await changed.close();

    rmSync(join(folder, 'a.yaml'));
    const removed = await opened(folder);
    expect((await removed.get(walletKey))?.metadata.deletionTimestamp).toBeDefined();
    await setStatus(removed, walletKey, { genesis: `sha256:${'0'.repeat(64)}` });
    await removed.remove(walletKey);
    await removed.close();

    put(folder, 'b.yaml', other);
    const added = await opened(folder);
    expect(await added.get(walletKey)).toBeUndefined();
    expect(texts(added)).toContainEqual(
      expect.stringContaining(
        'b.yaml, document 1: spec.threshold: threshold cannot change; it was 2; Wallet/payments/treasury was deleted',
      ),
    );
    put(folder, 'b.yaml', wallet('treasury', { policyRef: { name: 'other' } }));
    await added.rescan();
    expect(await added.get(walletKey)).toMatchObject({
      metadata: { generation: 1 },
      spec: { policyRef: { name: 'other' } },
    });
  });

  it('notices new, changed and deleted manifests by itself, in new folders too', async () => {
    const folder = temporaryFolder();
    const store = await opened(folder);
    put(folder, 'sub/a.yaml', wallet());
    await until(store, () => store.get(walletKey));
    put(folder, 'sub/a.yaml', wallet('treasury', { policyRef: { name: 'other' } }));
    expect(
      await until(store, async () => ((await store.get(walletKey))?.metadata.generation === 2 ? 'changed' : undefined)),
    ).toBe('changed');
    rmSync(join(folder, 'sub'), { recursive: true });
    expect(await until(store, async () => (await store.get(walletKey))?.metadata.deletionTimestamp)).toBeDefined();
  });

  it('notices what no watch tells of, as behind a link, when it looks again', async () => {
    const elsewhere = temporaryFolder({ 'a.yaml': wallet() });
    const folder = temporaryFolder();
    symlinkSync(join(elsewhere, 'a.yaml'), join(folder, 'a.yaml'));
    const store = await opened(folder, { rescanMs: 30 });
    put(elsewhere, 'a.yaml', wallet('treasury', { policyRef: { name: 'other' } }));
    expect(
      await until(store, async () => ((await store.get(walletKey))?.metadata.generation === 2 ? 'changed' : undefined)),
    ).toBe('changed');
  });

  it('writes nothing where nothing changes', async () => {
    const folder = temporaryFolder({ 'a.yaml': wallet() });
    const store = await opened(folder);
    await setStatus(store, walletKey, { keysReady: '1/1' });
    const { ino } = statSync(objectFile(folder));
    await setStatus(store, walletKey, { keysReady: '1/1' });
    put(folder, 'a.yaml', `# again\n${manifest(wallet())}`);
    await store.rescan();
    expect(statSync(objectFile(folder)).ino).toBe(ino);
  });

  it('makes nothing for the operator that a user is writing', async () => {
    const folder = temporaryFolder({ 'a.yaml': { ...signer(), spec: { walletRef: signer().spec.walletRef } } });
    const store = await opened(folder);
    await expect(store.apply(signer())).rejects.toThrow(
      "Signer/payments/treasury-client is in a user's manifest, which has problems",
    );
    expect(await store.list('Signer')).toEqual([]);
    rmSync(join(folder, 'a.yaml'));
    await store.rescan();
    await store.apply(signer());
    put(folder, 'a.yaml', { ...signer(), spec: {} });
    await store.rescan();
    await store.apply(signer('treasury-client', { placement: 'Required' }));
    expect(await store.list('Signer')).toMatchObject([{ spec: { placement: 'Required' } }]);
  });

  it('keeps what was in force where its own disk fails it, and goes on when that is over', async () => {
    const folder = temporaryFolder({ 'a.yaml': wallet() });
    const store = await opened(folder);
    const before = await store.get(walletKey);
    const scratch = join(folder, '.holdfast/store/scratch');
    rmSync(scratch, { recursive: true });
    put(folder, 'a.yaml', wallet('treasury', { policyRef: { name: 'other' } }));
    await expect(store.rescan()).rejects.toThrow('ENOENT');
    await expect(setStatus(store, walletKey, { keysReady: '1/1' })).rejects.toThrow('ENOENT');
    await expect(store.apply(signer())).rejects.toThrow('ENOENT');
    expect(await store.get(walletKey)).toEqual(before);
    expect(await store.list('Signer')).toEqual([]);
    mkdirSync(scratch);
    await store.rescan();
    expect(await store.get(walletKey)).toMatchObject({ spec: { policyRef: { name: 'other' } } });
  });

  it('does nothing more once it is closed', async () => {
    const store = await opened(temporaryFolder({ 'a.yaml': wallet() }));
    const changes = store.changes(new AbortController().signal)[Symbol.asyncIterator]();
    await changes.next();
    const next = changes.next();
    await store.close();
    expect(await next).toMatchObject({ done: true });
    await expect(store.apply(signer())).rejects.toThrow('the store is closed');
    await expect(store.rescan()).rejects.toThrow('the store is closed');
    await store.close();
  });
});

describe('Secrets of a folder', () => {
  const secret = (text: string): string =>
    `apiVersion: v1\nkind: Secret\nmetadata: { name: seal, namespace: payments }\nstringData: { kek: ${text} }\n`;
  const value = async (store: FolderStore): Promise<string | undefined> => {
    const bytes = (await store.secret('payments', 'seal'))?.get('kek');
    return bytes && Buffer.from(bytes).toString();
  };

  it('are found by namespace and name, follow their manifests, and are told as changes of those who use them', async () => {
    const folder = temporaryFolder({ 's.yaml': secret('first'), 'w.yaml': wallet() });
    const store = await opened(folder);
    expect(await value(store)).toBe('first');
    expect(await store.secret('default', 'seal')).toBeUndefined();
    (await store.secret('payments', 'seal'))?.get('kek')?.fill(0);
    expect(await value(store)).toBe('first');
    put(folder, 's.yaml', secret('second'));
    expect(await until(store, async () => ((await value(store)) === 'second' ? 'told' : undefined))).toBe('told');
    rmSync(join(folder, 's.yaml'));
    await store.rescan();
    expect(await value(store)).toBeUndefined();
  });

  it('stay as they were while their manifests are wrong or contradict each other', async () => {
    const folder = temporaryFolder({ 's.yaml': secret('first') });
    const store = await opened(folder);
    for (const wrong of ['{', secret('5'), '']) {
      put(folder, 's.yaml', wrong);
      await store.rescan();
      expect(await value(store)).toBe('first');
    }
    put(folder, 's.yaml', secret('first'));
    put(folder, 't.yaml', secret('second'));
    await store.rescan();
    expect(await value(store)).toBe('first');
    expect(texts(store)).toContain(
      's.yaml, document 1: metadata.name: Secret payments/seal is also in "t.yaml" document 1: keep one of them',
    );
  });

  it('are written nowhere', async () => {
    const folder = temporaryFolder({
      's.yaml': secret('hunter2'),
      't.yaml': secret('hunter2'),
      'u.yaml': secret('[hunter2]'),
      'w.yaml': wallet(),
    });
    const store = await opened(folder);
    await setStatus(store, walletKey, { keysReady: '1/1' });
    await store.close();
    const state = join(folder, '.holdfast');
    const files = readdirSync(state, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(files.length).toBeGreaterThan(3);
    for (const { parentPath, name } of files)
      expect(readFileSync(join(parentPath, name), 'latin1')).not.toContain('hunter2');
  });
});

describe('state of a folder', () => {
  it('may lie elsewhere, so that nothing is written where the manifests are', async () => {
    const folder = temporaryFolder({ 'a.yaml': wallet() });
    const elsewhere = temporaryFolder();
    chmodSync(folder, 0o555);
    onTestFinished(() => chmodSync(folder, 0o755));
    const { mtimeMs, ctimeMs } = statSync(folder);
    const stateDir = join(elsewhere, 'state');
    const store = await opened(folder, { stateDir });
    expect(await store.list('Wallet')).toHaveLength(1);
    await store.close();
    expect(statSync(folder)).toMatchObject({ mtimeMs, ctimeMs });
    expect(await (await openFolderView(folder, { stateDir })).list('Wallet')).toHaveLength(1);

    const error = await openFolderStore(temporaryFolder(), { stateDir }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      name: 'UserError',
      message: expect.stringContaining(`${stateDir} has the state of `),
      hints: [expect.stringContaining('HOLDFAST_STATE')],
    });
    await (await opened(folder, { stateDir })).close();
  });

  it('is not taken for manifests where it lies among them', async () => {
    const folder = temporaryFolder({ 'a.yaml': wallet() });
    const stateDir = join(folder, 'state');
    const store = await opened(folder, { stateDir });
    await setStatus(store, walletKey, { keysReady: '1/1' });
    await store.rescan();
    expect(texts(store)).toEqual([]);
    expect((await (await openFolderView(folder, { stateDir })).manifests()).problems).toEqual([]);
  });

  it('moves with its folder', async () => {
    const parent = temporaryFolder({ 'first/a.yaml': wallet() });
    const before = await opened(join(parent, 'first'));
    const uid = (await before.get(walletKey))?.metadata.uid;
    await before.close();
    renameSync(join(parent, 'first'), join(parent, 'second'));
    expect((await (await opened(join(parent, 'second'))).get(walletKey))?.metadata.uid).toBe(uid);
  });

  it('is for its owner alone, and out of version control', async () => {
    const folder = temporaryFolder({ 'a.yaml': wallet() });
    await opened(folder);
    expect(statSync(join(folder, '.holdfast')).mode & 0o777).toBe(0o700);
    expect(statSync(objectFile(folder)).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, '.holdfast/.gitignore'), 'utf8')).toBe('*\n');
  });

  it.each([
    ['is missing', (folder: string) => join(folder, 'missing'), 'does not exist', 'name a folder of manifests'],
    ['is a file', (folder: string) => join(folder, 'a.yaml'), 'is not a folder', 'name a folder of manifests'],
    // Nobody, not even root, makes folders there.
    ['cannot be written to', () => '/sys/kernel', 'cannot write to /sys/kernel/.holdfast: ', 'HOLDFAST_STATE'],
  ])('is refused with what to do where the folder %s', async (_, folder, message, hint) => {
    const error = await openFolderStore(folder(temporaryFolder({ 'a.yaml': wallet() }))).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({
      name: 'UserError',
      message: expect.stringContaining(message),
      hints: [expect.stringContaining(hint)],
    });
  });

  it.each<[string, string, string | ((text: string) => string)]>([
    ['is empty', 'object.json', ''],
    ['is cut short', 'object.json', (text) => text.slice(0, -20)],
    ['is of another object', 'object.json', (text) => text.replace('"treasury"', '"other"')],
    ['lacks a uid', 'object.json', (text) => text.replace('"uid"', '"xid"')],
    ['has a generation in words', 'object.json', (text) => text.replace('"generation":1', '"generation":"1"')],
    ['has what nobody knows', 'object.json', (text) => text.replace('{', '{"new":1,')],
    ['is a list', 'object.json', '[]'],
    ['is garbage', 'events.json', '\0\0\0'],
    ['has an event without a time', 'events.json', '[{"type":"Normal","reason":"a","message":"b","count":1}]'],
    ['is of a later version', '../../../../format.json', '{"version":2,"folder":""}'],
    ['is no name of an object', '../Not A Name/object.json', '{}'],
  ])('is refused, by operator and view, with the name of the file that %s', async (_, name, change) => {
    const folder = temporaryFolder({ 'a.yaml': wallet() });
    const first = await opened(folder);
    await first.event(walletKey, 'Normal', 'KeysGenerated', 'all');
    await first.close();
    const file = join(dirname(objectFile(folder)), name);
    put(dirname(file), basename(file), typeof change === 'string' ? change : change(readFileSync(file, 'utf8')));
    const damaged = readFileSync(file);
    const named = expect.objectContaining({
      name: 'UserError',
      message: expect.stringContaining(`cannot use the state file ${name.includes('Not') ? dirname(file) : file}: `),
      hints: expect.arrayContaining(['restore the file from a backup']),
    });
    expect(await openFolderStore(folder).catch((error: unknown) => error)).toEqual(named);
    const view = async (): Promise<unknown> => {
      const opening = await openFolderView(folder);
      return [await opening.list('Wallet'), await opening.events(walletKey)];
    };
    expect(await view().catch((error: unknown) => error)).toEqual(named);
    expect(readFileSync(file)).toEqual(damaged);
    rmSync(name.includes('Not') ? dirname(file) : file, { recursive: true });
    await opened(folder);
  });

  it('does without what writes and removals that were cut short left behind', async () => {
    const folder = temporaryFolder({ 'a.yaml': wallet() });
    await (await opened(folder)).close();
    const store = join(folder, '.holdfast/store');
    put(store, 'scratch/half', '{"resource":');
    put(store, 'objects/Wallet/payments/removed/events.json', '[]');
    const again = await opened(folder);
    expect(await again.list('Wallet')).toHaveLength(1);
    expect(readdirSync(join(store, 'scratch'))).toEqual([]);
    await again.close();
    expect(await (await openFolderView(folder)).list('Wallet')).toHaveLength(1);
  });
});

describe('a view of a folder', () => {
  it('shows what the operator wrote, while it runs and after', async () => {
    const folder = temporaryFolder({ 'a.yaml': wallet(), 'b.yaml': policy() });
    const store = await opened(folder);
    const view = await openFolderView(folder);
    expect(await view.operator()).toEqual({ pid: process.pid });
    await setStatus(store, walletKey, { keysReady: '1/1' });
    await store.event(walletKey, 'Normal', 'KeysGenerated', 'all');
    await store.rescan();
    expect(await view.list('Wallet')).toEqual(await store.list('Wallet'));
    rmSync(join(folder, 'b.yaml'));
    put(folder, 'a.yaml', wallet('treasury', { threshold: 7 }));
    await store.rescan();
    expect((await view.manifests()).problems.map(problemText)).toEqual(texts(store));
    await store.close();
    expect(await view.operator()).toBeUndefined();
    expect(await view.get(walletKey)).toMatchObject({ spec: wallet().spec, status: { keysReady: '1/1' } });
    expect(await view.get({ ...walletKey, name: 'other' })).toBeUndefined();
    expect(await view.list('SigningPolicy')).toEqual([]);
    expect(await view.events(walletKey)).toMatchObject([{ reason: 'KeysGenerated' }, { reason: 'InvalidManifest' }]);
  });

  it('is refused where no operator ever ran', async () => {
    const folder = temporaryFolder({ 'a.yaml': wallet() });
    const error = await openFolderView(folder).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      name: 'UserError',
      hints: [`start one with: holdfast up ${folder}`, expect.stringContaining('HOLDFAST_DIR')],
    });
    expect(readdirSync(folder)).toEqual(['a.yaml']);
  });
});
