import { expect, onTestFinished } from 'vitest';
import type { StoreUnderTest } from '../../../../test/resource-store-suite.ts';
import { systemClock } from '../../../../common/clock.ts';
import type { Clock } from '../../../../common/clock.ts';
import { silentLog } from '../../../../common/log.ts';
import { kinds } from '../../../api/resource.ts';
import type { Key, Kind } from '../../../api/resource.ts';
import type { OtherOperator } from '../../../reach.ts';
import type { ReadCredentials } from '../../../runtime/credentials.ts';
import { eventType } from '../../../runtime/event-recorder.ts';
import { KubeClient } from '../../../runtime/kube-client.ts';
import { pathOf } from '../../../runtime/kube-object.ts';
import type { KubeObject, ResourceType } from '../../../runtime/kube-object.ts';
import { applyObject, getObject, removeObject } from '../../../runtime/objects.ts';
import type { StoredEvent } from '../../resource-store.ts';
import { openKubernetesStore } from '../kubernetes-store.ts';
import type { KubernetesStore } from '../kubernetes-store.ts';
import { resourceType } from '../resource-type.ts';

const namespace = 'payments';

export type StoreOverApi = StoreUnderTest & {
  readonly store: KubernetesStore;
  /** As a user speaks to the server. */
  readonly user: KubeClient;
};

/**
 * A store over an API server that serves our kinds, in process or of a cluster, empty of them in the namespace of the
 * drafts; and a user of it with rights of their own. It ends with the test.
 */
export async function storeOverApi(
  credentials: ReadCredentials,
  namespaces: readonly string[] = [namespace, 'other'],
  others: readonly OtherOperator[] = [],
): Promise<StoreOverApi> {
  const open = (userAgent: string): KubeClient => {
    const client = new KubeClient({ credentials, clock: systemClock, userAgent });
    onTestFinished(() => client.close());
    return client;
  };
  const user = open('test-user');
  for (const kind of kinds) await empty(user, kind);
  const store = await openKubernetesStore({
    client: open('test-operator'),
    namespaces,
    others,
    instance: 'operator-0',
    clock: tickingClock(),
    log: silentLog,
    signal: new AbortController().signal,
  });
  onTestFinished(() => store.close());
  return {
    store,
    user,
    async write(object) {
      const { metadata } = await applyObject(user, resourceType(object.kind), object, {
        fieldManager: 'user',
      });
      const { uid, generation, labels = {} } = metadata;
      await expect
        .poll(() => store.get({ kind: object.kind, ...object.metadata }))
        .toMatchObject({ metadata: { uid, generation, ...(metadata.labels && { labels }) }, spec: object.spec });
    },
    async delete(key) {
      const held = await getObject(user, resourceType(key.kind), key);
      if (held) await erase(user, resourceType(key.kind), held);
      await expect
        .poll(async () => (await store.get(key))?.metadata.deletionTimestamp ?? (await store.get(key)) === undefined)
        .toBeTruthy();
    },
    async events(key) {
      // What was only counted is written now, not when its minute is over.
      await store.close();
      return eventsOf(user, key);
    },
  };
}

type Event = {
  readonly type: StoredEvent['type'];
  readonly reason: string;
  readonly note: string;
  readonly eventTime: string;
  readonly series?: { readonly count: number; readonly lastObservedTime: string };
  readonly regarding: { readonly uid: string };
};

async function eventsOf(user: KubeClient, key: Key): Promise<readonly StoredEvent[]> {
  const about = await getObject(user, resourceType(key.kind), key);
  const { items } = (await user.request({ path: pathOf(eventType, { namespace }) })) as { readonly items: Event[] };
  return items
    .filter(({ regarding }) => regarding.uid === about?.metadata.uid)
    .toSorted((a, b) => (a.eventTime < b.eventTime ? -1 : 1))
    .map(({ type, reason, note: message, eventTime, series }) => ({
      type,
      reason,
      message,
      count: series?.count ?? 1,
      firstTimestamp: eventTime,
      lastTimestamp: series?.lastObservedTime ?? eventTime,
    }));
}

/** Deletes an object as a user does; of a wallet with keys by its name too, as the chart's admission policies have it. */
async function erase(user: KubeClient, type: ResourceType, object: KubeObject & { status?: object }): Promise<void> {
  const { genesis } = (object.status ?? {}) as { readonly genesis?: string };
  if (genesis !== undefined)
    await user.request({
      method: 'PATCH',
      path: pathOf(type, object.metadata),
      contentType: 'application/merge-patch+json',
      body: { metadata: { annotations: { 'holdfast.dev/destroy': genesis } } },
    });
  await removeObject(user, type, object.metadata);
}

/** Deletes what earlier tests left, finalizers or not. */
async function empty(user: KubeClient, kind: Kind): Promise<void> {
  const type = resourceType(kind);
  const list = async (): Promise<readonly KubeObject[]> =>
    ((await user.request({ path: pathOf(type, { namespace }) })) as { readonly items: readonly KubeObject[] }).items;
  for (const object of await list()) {
    const { metadata } = object;
    await erase(user, type, object);
    if (metadata.finalizers !== undefined)
      await user
        .request({
          method: 'PATCH',
          path: pathOf(type, metadata),
          contentType: 'application/merge-patch+json',
          body: { metadata: { finalizers: null } },
        })
        .catch(() => {});
  }
  await expect.poll(list).toEqual([]);
}

/** No two times are the same, so that events have an order. */
function tickingClock(): Clock {
  let last = 0;
  return { ...systemClock, now: () => (last = Math.max(systemClock.now(), last + 1)) };
}
