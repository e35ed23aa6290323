import { describe, expect, it, onTestFinished } from 'vitest';
import { resourceStoreSuite } from '../../../test/resource-store-suite.ts';
import { keyOf } from '../../api/resource.ts';
import type { Key, Kind } from '../../api/resource.ts';
import { validate } from '../../api/validate.ts';
import { pathOf } from '../../runtime/kube-object.ts';
import { applyObject } from '../../runtime/objects.ts';
import { ApiServer } from '../../runtime/testing/api-server.ts';
import { approval, policy, signer, wallet } from '../testing/drafts.ts';
import { finalizer } from './kubernetes-store.ts';
import { resourceType } from './resource-type.ts';
import { storeOverApi } from './testing/store-over-api.ts';
import type { StoreOverApi } from './testing/store-over-api.ts';
import { setStatus } from '../testing/set-status.ts';

/** An API server that holds our kinds to their schema and rules. */
async function apiServer(): Promise<ApiServer> {
  const server = await new ApiServer().start();
  server.admit = (object, old) => {
    if (object['apiVersion'] !== wallet().apiVersion) return undefined;
    const [problem] = validate(object, old);
    return problem && `${problem.path}: ${problem.message}`;
  };
  onTestFinished(() => server.close());
  return server;
}

const pathOfKey = ({ kind, namespace, name }: Key): string => pathOf(resourceType(kind), { namespace, name });
const walletKey = keyOf<'Wallet'>(wallet());
const signerKey = keyOf<'Signer'>(signer());

async function opened(
  namespaces: readonly string[] = [],
): Promise<StoreOverApi & { readonly server: ApiServer; readonly writes: () => readonly string[] }> {
  const server = await apiServer();
  const over = await storeOverApi(server.credentials, namespaces);
  // Before faults: they are for what the test asks.
  await expect.poll(() => server.watching).toBe(5 * Math.max(1, namespaces.length));
  const writes = (): readonly string[] =>
    server.asked
      .filter(({ method, headers }) => method !== 'GET' && headers['user-agent'] === 'test-operator')
      .map(({ method, path }) => `${method} ${path.replace(/.*\/payments\//, '')}`);
  return { ...over, server, writes };
}

resourceStoreSuite('an API server', async () => storeOverApi((await apiServer()).credentials));

describe('a store over the Kubernetes API', () => {
  it.each([[[]], [['payments', 'acme']]])('watches all namespaces or those that are named: %j', async (namespaces) => {
    const { store, server, write } = await opened(namespaces);
    await write(wallet());
    await write({ ...policy(), metadata: { name: 'other', namespace: 'acme' } });
    expect((await store.list('SigningPolicy')).map(({ metadata }) => metadata.namespace)).toEqual(['acme']);
    const watches = server.asked.filter(({ query }) => query.get('watch') === 'true').map(({ path }) => path);
    expect(new Set(watches).size).toBe(namespaces.length === 0 ? 5 : 10);
    expect(watches.every((path) => path.includes('/namespaces/') === namespaces.length > 0)).toBe(true);
    expect(server.asked.every(({ path }) => !path.includes('secrets'))).toBe(true);
    if (namespaces.length > 0) {
      await expect(store.apply({ ...signer(), metadata: { name: 'a', namespace: 'far' } })).rejects.toThrow(
        'namespace far',
      );
      await expect(store.get({ kind: 'Wallet', namespace: 'far', name: 'a' })).rejects.toThrow('namespace far');
    }
  });

  it('knows Wallets and Signers in the namespaces of other operators, and nothing else there', async () => {
    const server = await apiServer();
    const pods = { namespace: 'acme-operator', labels: { app: 'operator' } };
    const others = [{ namespaces: ['acme'], fingerprint: '', pods }];
    const { store, user } = await storeOverApi(server.credentials, ['payments'], others);
    const theirs = { ...wallet(), metadata: { name: 'theirs', namespace: 'acme' } };
    await applyObject(user, resourceType('Wallet'), theirs, { fieldManager: 'user' });
    await expect.poll(() => store.get(keyOf(theirs))).toMatchObject({ spec: theirs.spec });
    await expect(store.get({ kind: 'SigningPolicy', namespace: 'acme', name: 'a' })).rejects.toThrow('namespace acme');
    await expect.poll(() => server.watching).toBe(7);
    expect(
      server.asked
        .filter(({ path, headers }) => path.includes('/acme/') && headers['user-agent'] === 'test-operator')
        .map(({ method, path }) => `${method} ${path.split('/').at(-1)}`)
        .toSorted(),
    ).toEqual(['GET signers', 'GET signers', 'GET wallets', 'GET wallets']);
  });

  it('shows nothing that only Kubernetes knows', async () => {
    const { store, server, write } = await opened();
    await write(wallet());
    await setStatus(store, walletKey, { observedGeneration: 1 });
    expect(server.get(pathOfKey(walletKey))?.metadata).toHaveProperty('managedFields');
    expect(Object.keys((await store.get(walletKey))!.metadata).toSorted()).toEqual([
      'creationTimestamp',
      'generation',
      'name',
      'namespace',
      'uid',
    ]);
  });

  it('has its finalizer on a Wallet and a Signer before their first status, and on nothing else', async () => {
    const { store, server, write, writes } = await opened();
    await write(wallet());
    await write(policy());
    await setStatus(store, walletKey, { observedGeneration: 1 });
    await setStatus(store, keyOf<'SigningPolicy'>(policy()), { observedGeneration: 1 });
    await store.apply(signer());
    await store.apply(approval());
    const finalizers = (key: Key): unknown => server.get(pathOfKey(key))?.metadata.finalizers;
    expect([walletKey, signerKey].map(finalizers)).toEqual([[finalizer], [finalizer]]);
    expect([keyOf<Kind>(policy()), keyOf<Kind>(approval())].map(finalizers)).toEqual([undefined, undefined]);
    expect(writes().slice(0, 2)).toEqual(['PATCH wallets/treasury', 'PATCH wallets/treasury/status']);
  });

  it('writes no status where the finalizer is refused', async () => {
    const { store, server, write, writes } = await opened();
    await write(wallet());
    server.faults.push({ kind: 'status', status: 403, reason: 'Forbidden' });
    await expect(setStatus(store, walletKey, { observedGeneration: 1 })).rejects.toMatchObject({ status: 403 });
    expect(writes()).toEqual(['PATCH wallets/treasury']);
    await setStatus(store, walletKey, { observedGeneration: 1 });
    expect((await store.get(walletKey))!.status).toEqual({ observedGeneration: 1 });
  });

  it('writes nothing where nothing changes', async () => {
    const { store, write, writes } = await opened();
    await write(wallet());
    const look = async (): Promise<void> => {
      await setStatus(store, walletKey, { observedGeneration: 1 });
      await store.apply(signer());
      await setStatus(store, signerKey, { version: '1' });
    };
    await look();
    const before = writes();
    await look();
    expect(writes()).toEqual(before);
  });

  it('writes as one manager a controller, each its own part', async () => {
    const { store, server } = await opened();
    await store.apply(signer());
    await setStatus(store, signerKey, { version: '1' });
    const { managedFields } = server.get(pathOfKey(signerKey))!.metadata as unknown as {
      readonly managedFields: readonly {
        readonly manager: string;
        readonly operation: string;
        readonly fieldsV1: object;
      }[];
    };
    const owned = managedFields
      .filter(({ operation }) => operation === 'Apply')
      .map(({ manager, fieldsV1 }) => [manager, Object.keys(fieldsV1).toSorted()]);
    expect(owned).toEqual([
      ['holdfast-signer', ['f:status']],
      ['holdfast-wallet', ['f:metadata', 'f:spec']],
    ]);
  });

  it('leaves what others wrote on its objects, and keeps what is its own', async () => {
    const { store, server, user } = await opened();
    await store.apply(signer());
    const other = { metadata: { ...signer().metadata, annotations: { note: 'a' } }, spec: { placement: 'Required' } };
    await applyObject(user, resourceType('Signer'), other, { fieldManager: 'user' });
    await expect.poll(async () => (await store.get(signerKey))!.metadata.annotations).toEqual({ note: 'a' });
    await store.apply({ ...signer(), metadata: { ...signer().metadata, labels: { team: 'a' } } });
    expect(server.get(pathOfKey(signerKey))).toMatchObject({
      metadata: { annotations: { note: 'a' }, labels: { team: 'a', 'app.kubernetes.io/managed-by': 'holdfast' } },
      spec: { ...signer().spec, placement: 'Required' },
    });
  });

  it('leaves an object to the user who removes its label', async () => {
    const { store, user } = await opened();
    await store.apply(signer());
    await user.request({
      method: 'PATCH',
      path: pathOfKey(signerKey),
      contentType: 'application/merge-patch+json',
      body: { metadata: { labels: null } },
    });
    await expect.poll(async () => (await store.get(signerKey))!.metadata.labels).toBeUndefined();
    await expect(store.apply(signer())).rejects.toThrow("is a user's");
    await expect(store.remove(signerKey)).rejects.toThrow("is a user's");
  });

  it('does not change an object that a user wrote a moment ago, unseen', async () => {
    const { store, server, user } = await opened();
    server.disturb('silent');
    await applyObject(user, resourceType('Signer'), signer(), { fieldManager: 'user' });
    const before = server.get(pathOfKey(signerKey));
    await expect(store.apply(signer('treasury-client', { placement: 'Required' }))).rejects.toThrow("is a user's");
    expect(server.get(pathOfKey(signerKey))).toEqual(before);
  });

  it('does not change what came to be while it looked for it', async () => {
    const { store, server, user } = await opened();
    server.disturb('silent');
    await applyObject(user, resourceType('Signer'), signer(), { fieldManager: 'user' });
    const before = server.get(pathOfKey(signerKey));
    server.faults.push({ kind: 'status', status: 404, reason: 'NotFound' });
    const seal = { keySecretRef: { name: 'other', key: 'kek' } };
    await expect(store.apply(signer('treasury-client', { seal }))).rejects.toMatchObject({ status: 409 });
    expect(server.get(pathOfKey(signerKey))).toEqual(before);
  });

  it('is refused, not obeyed, where it writes upon what it has not seen', async () => {
    const { store, server, user, write } = await opened();
    await store.apply(signer());
    await write(wallet());
    await setStatus(store, walletKey, { observedGeneration: 1 });
    server.disturb('silent');
    const labels = { 'app.kubernetes.io/managed-by': null };
    const body = { metadata: { labels } };
    const contentType = 'application/merge-patch+json';
    await user.request({ method: 'PATCH', path: pathOfKey(signerKey), contentType, body });
    await expect(store.apply(signer('treasury-client', { placement: 'Required' }))).rejects.toMatchObject({
      status: 409,
    });

    const { metadata } = server.get(pathOfKey(walletKey))!;
    server.remove(pathOfKey(walletKey));
    const next = server.put(pathOfKey(walletKey), wallet());
    expect(next.metadata.uid).not.toBe(metadata.uid);
    await expect(setStatus(store, walletKey, { observedGeneration: 2 })).rejects.toMatchObject({ status: 409 });
    expect(server.get(pathOfKey(walletKey))).toEqual(next);
  });

  it('refuses an owner in another namespace', async () => {
    const { store, write } = await opened();
    await write({ ...wallet(), metadata: { name: 'treasury', namespace: 'acme' } });
    const { uid } = (await store.get({ ...walletKey, namespace: 'acme' }))!.metadata;
    const ownerReferences = [{ apiVersion: wallet().apiVersion, kind: 'Wallet', name: 'treasury', uid }];
    await expect(store.apply({ ...signer(), metadata: { ...signer().metadata, ownerReferences } })).rejects.toThrow(
      'Wallet/acme/treasury is in another namespace',
    );
    expect(await store.list('Signer')).toEqual([]);
  });

  it('says what the server says', async () => {
    const { store, server, write } = await opened();
    await write(policy());
    const key = keyOf<'SigningPolicy'>(policy());
    server.faults.push(
      { kind: 'status', status: 429, reason: 'TooManyRequests', retryAfter: '3' },
      { kind: 'cut off' },
    );
    await expect(setStatus(store, key, { observedGeneration: 1 })).rejects.toMatchObject({
      status: 429,
      retryAfterMs: 3_000,
      message: expect.stringContaining('/signingpolicies/treasury/status: 429 TooManyRequests'),
    });
    await expect(setStatus(store, key, { observedGeneration: 1 })).rejects.toMatchObject({ reason: 'Unreachable' });
    await setStatus(store, key, { observedGeneration: 1 });
    expect((await store.get(key))!.status).toEqual({ observedGeneration: 1 });
  });

  it('does not take what it does not understand for gone', async () => {
    const { store, server, write } = await opened();
    await write(wallet('a'));
    server.admit = undefined;
    server.put(pathOfKey(walletKey), { apiVersion: wallet().apiVersion, kind: 'Wallet' });
    await expect.poll(() => store.get(walletKey).catch(String)).toContain('Wallet/payments/treasury has no');
    expect((await store.list('Wallet')).map(({ metadata }) => metadata.name)).toEqual(['a']);
  });
});
