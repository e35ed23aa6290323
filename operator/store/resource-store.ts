import type { Draft, Identified, Key, Kind, ResourceOf } from '../api/resource.ts';

/**
 * Where resources live: a folder of manifests (embedded) or a Kubernetes API. Narrow on purpose;
 * whatever only Kubernetes knows (finalizers, owners, server-side apply) stays behind it.
 *
 * Deletion: a Wallet or Signer that is deleted stays, with a `deletionTimestamp`, until `remove` lets it go, so that its
 * controller can end first what it started (on Kubernetes a finalizer). Objects of other kinds are gone at once.
 * Nothing else is deleted with an object: its controller removes what it made for it. A store forgets names, uids,
 * statuses and events, never a share.
 */
export interface ResourceStore {
  /**
   * Objects of a kind by namespace and name, those that are being deleted included; of these, where `named` is given,
   * those whose spec names it (api/named.ts), at a cost that does not grow with the others.
   */
  list<K extends Kind>(kind: K, named?: Key): Promise<readonly ResourceOf<K>[]>;
  /** Throws where the store does not know objects of the namespace: such an object must not look as if it were gone. */
  get<K extends Kind>(key: Key<K>): Promise<ResourceOf<K> | undefined>;
  /**
   * Every key once at first, then each whose object changed, its status included, until `signal` aborts.
   * A key may repeat and states may be skipped. A key whose object is gone is a change too.
   */
  changes(signal: AbortSignal): AsyncIterable<Key>;
  /**
   * Creates an object of the operator's, or makes its labels, annotations, owners and spec like `object`; anything else
   * in `object` is not looked at. Throws where a user wrote the object, or where it breaks a rule of its kind.
   */
  apply(object: Draft): Promise<void>;
  /**
   * Lets an object go that is being deleted; deletes one that the operator made. Nothing happens where none is.
   * Throws where a user wrote the object and has not deleted it.
   */
  remove(key: Key): Promise<void>;
  /**
   * The status of the object that was looked at. Nothing is written where nothing changes, or where the object is gone,
   * also where another has its name by now. Throws where the status breaks its kind's schema.
   */
  writeStatus<K extends Kind>(object: Identified<K>, status: NonNullable<ResourceOf<K>['status']>): Promise<void>;
  /**
   * Records that something happened to an object; repeats within a minute are counted, not repeated. Nothing happens
   * where the object is gone. A crash may lose the events of the last second. `at` is when it happened, in milliseconds
   * since the epoch: now where it is absent or later than that.
   */
  event(key: Key, type: EventType, reason: string, message: string, at?: number): Promise<void>;
}

export type EventType = 'Normal' | 'Warning';

/** An event as it is shown. Times are RFC 3339; `count` is how often it happened between them. */
export type StoredEvent = {
  readonly type: EventType;
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  readonly firstTimestamp: string;
  readonly lastTimestamp: string;
};
