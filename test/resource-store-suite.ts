import { describe, expect, it, onTestFinished } from 'vitest';
import { keyOf } from '../operator/api/resource.ts';
import type { Draft, Key, Resource } from '../operator/api/resource.ts';
import type { ResourceStore, StoredEvent } from '../operator/store/resource-store.ts';
import { approval, policy, signer, wallet } from '../operator/store/testing/drafts.ts';
import { setStatus } from '../operator/store/testing/set-status.ts';

/** A store, and what a user of it does besides. */
export type StoreUnderTest = {
  readonly store: ResourceStore;
  /** A user writes an object; resolves once the store has taken or refused it, and may reject where it is refused. */
  write(object: Draft): Promise<void>;
  /** A user deletes an object that a user wrote; resolves once the store knows. */
  delete(key: Key): Promise<void>;
  events(key: Key): Promise<readonly StoredEvent[]>;
};

/** What every ResourceStore has to pass. `open` is asked for a new, empty store by each test. */
export function resourceStoreSuite(title: string, open: () => Promise<StoreUnderTest>): void {
  describe(title, () => {
    describe('objects that users write', () => {
      it('are listed by kind, namespace and name, and found by their key', async () => {
        const { store, write } = await open();
        expect(await store.list('Wallet')).toEqual([]);
        expect(await store.get(keyOf(wallet()))).toBeUndefined();
        for (const object of [wallet('b'), wallet('a'), policy()]) await write(object);
        expect((await store.list('Wallet')).map((each) => each.metadata.name)).toEqual(['a', 'b']);
        expect((await store.list('SigningPolicy')).map((each) => each.metadata.name)).toEqual(['treasury']);
        expect(await store.get(keyOf(wallet('a')))).toMatchObject(wallet('a'));
        expect(await store.get({ ...keyOf(wallet('a')), namespace: 'other' })).toBeUndefined();
        expect(await store.get({ ...keyOf(policy()), kind: 'Wallet' })).toBeUndefined();
      });

      it('are found by what they name, until they name another or are gone', async () => {
        const { store, write, delete: gone } = await open();
        const named = async (name: string): Promise<readonly string[]> => {
          const found = await store.list('Wallet', { ...keyOf(policy()), name });
          return found.map(({ metadata }) => metadata.name);
        };
        for (const object of [wallet('b'), wallet('a'), signer()]) await write(object);
        expect(await named('treasury')).toEqual(['a', 'b']);
        expect(await store.list('Signer', keyOf(wallet()))).toHaveLength(1);
        expect(await store.list('Signer', keyOf(wallet('a')))).toEqual([]);
        await write(wallet('a', { policyRef: { name: 'other' } }));
        expect([await named('treasury'), await named('other')]).toEqual([['b'], ['a']]);
        await gone(keyOf(wallet('b')));
        await store.remove(keyOf(wallet('b')));
        expect(await named('treasury')).toEqual([]);
      });

      it('keep their uid and time of creation, and count changes of their spec alone', async () => {
        const { store, write } = await open();
        const at = async (): Promise<Resource['metadata']> => (await store.get(keyOf(wallet())))!.metadata;
        await write(wallet());
        const born = await at();
        expect(born).toMatchObject({ name: 'treasury', namespace: 'payments', generation: 1 });
        expect(born.uid).not.toBe('');
        expect(Number.isNaN(Date.parse(born.creationTimestamp))).toBe(false);
        await write(wallet('treasury', { policyRef: { name: 'other' } }));
        expect(await at()).toMatchObject({ uid: born.uid, creationTimestamp: born.creationTimestamp, generation: 2 });
        await write({
          ...wallet('treasury', { policyRef: { name: 'other' } }),
          metadata: { ...wallet().metadata, labels: { team: 'a' } },
        });
        expect(await at()).toMatchObject({ generation: 2, labels: { team: 'a' } });
        await setStatus(store, keyOf(wallet()), { observedGeneration: 2 });
        expect(await at()).toMatchObject({ uid: born.uid, generation: 2 });
      });

      it('stay as they are where a change breaks a rule', async () => {
        const { store, write } = await open();
        await write(wallet());
        const before = await store.get(keyOf(wallet()));
        const holders = [...wallet().spec.holders, { name: 'third', role: 'Client' as const }];
        for (const change of [
          { threshold: 9 },
          { keys: [] },
          { holders },
          { holders, threshold: 3 },
          { keys: [{ name: 'bitcoin', scheme: 'Schnorr' as const }] },
        ]) {
          await write(wallet('treasury', change)).catch(() => {});
          expect(await store.get(keyOf(wallet()))).toEqual(before);
        }
      });

      it('are nothing that the operator may change or remove', async () => {
        const { store, write } = await open();
        await write(signer());
        const before = await store.get(keyOf(signer()));
        await expect(store.apply(signer('treasury-client', { placement: 'Required' }))).rejects.toThrow(
          'Signer/payments/treasury-client is a user',
        );
        await expect(store.remove(keyOf(signer()))).rejects.toThrow('Signer/payments/treasury-client is a user');
        expect(await store.get(keyOf(signer()))).toEqual(before);
      });
    });

    describe('objects that the operator makes', () => {
      it('are made, changed, and left alone where nothing changes', async () => {
        const { store } = await open();
        await store.apply(signer());
        const born = (await store.get(keyOf(signer())))!;
        expect(born).toMatchObject({ ...signer(), metadata: { generation: 1 } });
        await store.apply(signer());
        expect(await store.get(keyOf(signer()))).toEqual(born);
        await store.apply(signer('treasury-client', { placement: 'Required' }));
        expect(await store.get(keyOf(signer()))).toMatchObject({
          metadata: { uid: born.metadata.uid, generation: 2 },
          spec: { placement: 'Required' },
        });
        await store.apply(signer());
        expect((await store.get(keyOf(signer())))!.spec).not.toHaveProperty('placement');
      });

      it('keep their status when they are changed', async () => {
        const { store } = await open();
        await store.apply(signer());
        await setStatus(store, keyOf(signer()), { version: '1' });
        await store.apply(signer('treasury-client', { placement: 'Required' }));
        expect((await store.get(keyOf(signer())))!.status).toEqual({ version: '1' });
      });

      it('carry their owners, labels and annotations', async () => {
        const { store, write } = await open();
        await write(wallet());
        // Where it did not exist, Kubernetes would collect what it owns.
        const { uid } = (await store.get(keyOf(wallet())))!.metadata;
        const ownerReferences = [
          { apiVersion: 'holdfast.dev/v1alpha1', kind: 'Wallet', name: 'treasury', uid, controller: true },
        ];
        await store.apply({
          ...signer(),
          metadata: { ...signer().metadata, ownerReferences, labels: { a: 'b' }, annotations: { c: 'd' } },
        });
        expect((await store.get(keyOf(signer())))!.metadata).toMatchObject({
          ownerReferences,
          labels: { a: 'b' },
          annotations: { c: 'd' },
        });
      });

      it('are held to the rules of their kind', async () => {
        const { store } = await open();
        await expect(store.apply({ ...signer(), spec: { walletRef: signer().spec.walletRef } })).rejects.toThrow(
          /seal/,
        );
        expect(await store.list('Signer')).toEqual([]);
        await store.apply(signer());
        const walletRef = { ...signer().spec.walletRef, holder: 'other' };
        await expect(store.apply(signer('treasury-client', { walletRef }))).rejects.toThrow('walletRef cannot change');
      });

      it('go when they are removed, of which repeating changes nothing', async () => {
        const { store } = await open();
        await store.apply(approval());
        await store.remove(keyOf(approval()));
        expect(await store.get(keyOf(approval()))).toBeUndefined();
        await store.remove(keyOf(approval()));
        await store.remove(keyOf(wallet()));
      });
    });

    describe('deletion', () => {
      it('of a Wallet waits, with everything in place, until its controller lets it go', async () => {
        const { store, write, delete: remove } = await open();
        await write(wallet());
        await setStatus(store, keyOf(wallet()), { genesis: `sha256:${'00'.repeat(32)}` });
        const before = (await store.get(keyOf(wallet())))!;
        await remove(keyOf(wallet()));
        const going = (await store.get(keyOf(wallet())))!;
        expect(going.metadata.deletionTimestamp).toBeDefined();
        expect(going).toMatchObject({
          spec: before.spec,
          status: before.status,
          metadata: { uid: before.metadata.uid },
        });
        expect(await store.list('Wallet')).toEqual([going]);
        await setStatus(store, keyOf(wallet()), { observedGeneration: 1 });
        await store.remove(keyOf(wallet()));
        expect(await store.get(keyOf(wallet()))).toBeUndefined();
        expect(await store.list('Wallet')).toEqual([]);
      });

      it('of a Signer that the operator made waits for its controller too', async () => {
        const { store } = await open();
        await store.apply(signer());
        await store.remove(keyOf(signer()));
        expect((await store.get(keyOf(signer())))!.metadata.deletionTimestamp).toBeDefined();
        await store.remove(keyOf(signer()));
        expect(await store.get(keyOf(signer()))).toBeUndefined();
      });

      it('of other kinds is done at once', async () => {
        const { store, write, delete: remove } = await open();
        await write(policy());
        await remove(keyOf(policy()));
        expect(await store.get(keyOf(policy()))).toBeUndefined();
      });

      it('makes what comes again under the name another object, without status', async () => {
        const { store, write, delete: remove } = await open();
        await write(wallet());
        await setStatus(store, keyOf(wallet()), { observedGeneration: 1 });
        const { uid } = (await store.get(keyOf(wallet())))!.metadata;
        await remove(keyOf(wallet()));
        await store.remove(keyOf(wallet()));
        await write(wallet());
        const again = (await store.get(keyOf(wallet())))!;
        expect(again.metadata.uid).not.toBe(uid);
        expect(again.metadata).not.toHaveProperty('deletionTimestamp');
        expect(again.metadata.generation).toBe(1);
        expect(again).not.toHaveProperty('status');
      });
    });

    describe('status', () => {
      it('is replaced as a whole and outlives changes of the spec', async () => {
        const { store, write } = await open();
        await write(wallet());
        await setStatus(store, keyOf(wallet()), { observedGeneration: 1, keysReady: '0/1' });
        await setStatus(store, keyOf(wallet()), { keysReady: '1/1' });
        await write(wallet('treasury', { policyRef: { name: 'other' } }));
        expect((await store.get(keyOf(wallet())))!.status).toEqual({ keysReady: '1/1' });
      });

      it('is refused where it breaks the schema, and not written for an object that is gone', async () => {
        const { store, write } = await open();
        await write(wallet());
        const bad = { holders: [{ name: 'client', available: 'yes' }] } as never;
        await expect(setStatus(store, keyOf(wallet()), bad)).rejects.toThrow('status.holders[0].available');
        expect(await store.get(keyOf(wallet()))).not.toHaveProperty('status');
        await setStatus(store, keyOf(wallet('gone')), { observedGeneration: 1 });
        expect(await store.get(keyOf(wallet('gone')))).toBeUndefined();
      });
    });

    describe('status of an object that was looked at', () => {
      it('is not given to another that came to its name meanwhile', async () => {
        const { store, write, delete: remove } = await open();
        await write(wallet());
        const looked = (await store.get(keyOf(wallet())))!;
        await remove(keyOf(wallet()));
        await store.remove(keyOf(wallet()));
        await write(wallet());
        await store.writeStatus(looked, { genesis: `sha256:${'00'.repeat(32)}` });
        expect(await store.get(keyOf(wallet()))).not.toHaveProperty('status');
        await store.writeStatus((await store.get(keyOf(wallet())))!, { observedGeneration: 1 });
        expect((await store.get(keyOf(wallet())))!.status).toEqual({ observedGeneration: 1 });
      });
    });

    describe('changes', () => {
      it('begin with every key, then tell of new, changed and deleted objects, and end by their signal', async () => {
        const { store, write, delete: remove } = await open();
        await write(wallet());
        await store.apply(signer());
        const { next, end } = follow(store);
        expect(new Set([await next(), await next()])).toEqual(new Set(['Signer/treasury-client', 'Wallet/treasury']));
        await write(policy());
        expect(await next()).toBe('SigningPolicy/treasury');
        await write(policy('treasury', { rules: [{ name: 'all', verdict: 'Deny', match: {} }] }));
        expect(await next()).toBe('SigningPolicy/treasury');
        await remove(keyOf(policy()));
        expect(await next()).toBe('SigningPolicy/treasury');
        await store.apply(signer('treasury-client', { placement: 'Required' }));
        expect(await next()).toBe('Signer/treasury-client');
        await store.remove(keyOf(signer()));
        expect(await next()).toBe('Signer/treasury-client');
        const last = next();
        end();
        expect(await last).toBeUndefined();
      });

      it('tell of a status once, and of one that is as it was not at all', async () => {
        const { store, write } = await open();
        for (const name of ['a', 'b']) await write(wallet(name));
        const { next } = follow(store);
        expect(new Set([await next(), await next()])).toEqual(new Set(['Wallet/a', 'Wallet/b']));
        await setStatus(store, keyOf(wallet('a')), { keysReady: '1/1' });
        expect(await next()).toBe('Wallet/a');
        await setStatus(store, keyOf(wallet('a')), { keysReady: '1/1' });
        await setStatus(store, keyOf(wallet('b')), { keysReady: '1/1' });
        expect(await next()).toBe('Wallet/b');
      });

      it('reach each of several readers', async () => {
        const { store, write } = await open();
        const readers = [follow(store), follow(store)];
        const first = readers.map(({ next }) => next());
        await write(wallet());
        expect(await Promise.all(first)).toEqual(['Wallet/treasury', 'Wallet/treasury']);
      });
    });

    describe('events', () => {
      it('that repeat within a minute are counted', async () => {
        const { store, write, events } = await open();
        await write(wallet());
        for (let i = 0; i < 3; i++)
          await store.event(keyOf(wallet()), 'Warning', 'SignerUnavailable', 'client does not answer');
        await store.event(keyOf(wallet()), 'Normal', 'SignerRestored', 'client answers');
        expect(await events(keyOf(wallet()))).toMatchObject([
          { type: 'Warning', reason: 'SignerUnavailable', message: 'client does not answer', count: 3 },
          { type: 'Normal', reason: 'SignerRestored', message: 'client answers', count: 1 },
        ]);
      });

      it('about an object that is gone are no error', async () => {
        const { store } = await open();
        await store.event(keyOf(wallet('gone')), 'Normal', 'KeysGenerated', 'all');
      });
    });
  });
}

/** The kind and name of each change, as they come; undefined at the end. */
function follow(store: ResourceStore): { next(): Promise<string | undefined>; end(): void } {
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  const changes = store.changes(abort.signal)[Symbol.asyncIterator]();
  return {
    async next() {
      const { done, value } = await changes.next();
      return done === true ? undefined : `${value.kind}/${value.name}`;
    },
    end: () => abort.abort(),
  };
}
