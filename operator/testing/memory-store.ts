import { names } from '../api/named.ts';
import { keyOf, keyString } from '../api/resource.ts';
import type { Identified, Key, Kind, Resource, ResourceOf } from '../api/resource.ts';
import type { EventType, ResourceStore } from '../store/resource-store.ts';

export type RecordedEvent = {
  readonly key: string;
  readonly type: EventType;
  readonly reason: string;
  readonly message: string;
};

/** As much of a store as controllers need to be looked at one by one: objects that a test puts, statuses, events. */
export class MemoryStore implements ResourceStore {
  readonly objects = new Map<string, Resource>();
  readonly events: RecordedEvent[] = [];
  readonly removed: string[] = [];
  statusWrites = 0;

  constructor(...objects: readonly Resource[]) {
    for (const object of objects) this.put(object);
  }

  put(object: Resource): void {
    this.objects.set(keyString(keyOf<Kind>(object)), object);
  }

  async list<K extends Kind>(kind: K, named?: Key): Promise<readonly ResourceOf<K>[]> {
    return [...this.objects.values()].filter(
      (object): object is ResourceOf<K> => object.kind === kind && (named === undefined || names(object, named)),
    );
  }

  async get<K extends Kind>(key: Key<K>): Promise<ResourceOf<K> | undefined> {
    return this.objects.get(keyString(key)) as ResourceOf<K> | undefined;
  }

  async *changes(): AsyncGenerator<Key> {
    for (const object of this.objects.values()) yield keyOf<Kind>(object);
  }

  async apply(): Promise<void> {
    throw new Error('not in this store');
  }

  async remove(key: Key): Promise<void> {
    this.removed.push(keyString(key));
    this.objects.delete(keyString(key));
  }

  async writeStatus<K extends Kind>(
    { kind, metadata }: Identified<K>,
    status: NonNullable<ResourceOf<K>['status']>,
  ): Promise<void> {
    const object = this.objects.get(keyString({ kind, ...metadata }));
    this.statusWrites++;
    if (object?.metadata.uid === metadata.uid) this.put({ ...object, status });
  }

  async event(key: Key, type: EventType, reason: string, message: string): Promise<void> {
    this.events.push({ key: keyString(key), type, reason, message });
  }
}
