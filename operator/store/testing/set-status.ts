import type { Key, Kind, ResourceOf } from '../../api/resource.ts';
import type { ResourceStore } from '../resource-store.ts';

/** Writes the status of whatever has this name now, or of an object that is gone. */
export async function setStatus<K extends Kind>(
  store: ResourceStore,
  key: Key<K>,
  status: NonNullable<ResourceOf<K>['status']>,
): Promise<void> {
  const { kind, namespace, name } = key;
  const uid = (await store.get(key))?.metadata.uid ?? 'gone';
  await store.writeStatus({ kind, metadata: { namespace, name, uid } }, status);
}
