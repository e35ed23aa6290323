import type { Key, Kind, Resource, ResourceOf } from '../api/resource.ts';

/**
 * Where resources live: a folder of manifests (embedded) or a Kubernetes API. Narrow on purpose;
 * whatever only Kubernetes knows (finalizers, owners, server-side apply) stays behind it.
 */
export interface ResourceStore {
  list<K extends Kind>(kind: K): Promise<readonly ResourceOf<K>[]>;
  get<K extends Kind>(key: Key<K>): Promise<ResourceOf<K> | undefined>;
  /** Every key once at first, then each that changed, until `signal` aborts. A key may repeat; states may be skipped. */
  changes(signal: AbortSignal): AsyncIterable<Key>;
  /** Creates or updates an object that the operator made; refuses one that a user wrote. */
  apply(object: Resource): Promise<void>;
  /** Removes an object that the operator made; nothing happens where none is. */
  remove(key: Key): Promise<void>;
  writeStatus<K extends Kind>(key: Key<K>, status: NonNullable<ResourceOf<K>['status']>): Promise<void>;
  /** Records that something happened to an object; repeats within a minute are counted, not repeated. */
  event(key: Key, type: 'Normal' | 'Warning', reason: string, message: string): Promise<void>;
}
