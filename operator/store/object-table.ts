import { keyOf, keyString } from '../api/resource.ts';
import type { Key, Kind, Resource } from '../api/resource.ts';
import { ChangeFeed } from './change-feed.ts';
import type { Stored } from './decide.ts';
import { addEvent } from './event-series.ts';
import {
  objectFiles,
  readEvents,
  readObject,
  removeEvents,
  removeObject,
  storedKeys,
  writeEvents,
  writeObject,
} from './object-files.ts';
import type { ObjectFiles } from './object-files.ts';
import type { StoredEvent } from './resource-store.ts';
import { emptyScratch } from './state-folder.ts';

/** Reads all objects of a state folder that this process has locked. */
export async function openObjectTable(state: string): Promise<ObjectTable> {
  const files = objectFiles(state);
  const stored = new Map<string, Stored>();
  const events = new Map<string, readonly StoredEvent[]>();
  for (const key of await storedKeys(files)) {
    const object = await readObject(files, key);
    if (object === undefined) continue;
    stored.set(keyString(key), object);
    events.set(keyString(key), await readEvents(files, key));
  }
  return new ObjectTable(files, await emptyScratch(state), stored, events);
}

/** The objects and their events: on disk first, then here, then told to whoever follows. One change at a time. */
export class ObjectTable {
  readonly #files: ObjectFiles;
  readonly #scratch: string;
  readonly #stored: Map<string, Stored>;
  readonly #events: Map<string, readonly StoredEvent[]>;
  readonly #unsaved = new Map<string, Key>();
  readonly #feed = new ChangeFeed();

  constructor(
    files: ObjectFiles,
    scratch: string,
    stored: Map<string, Stored>,
    events: Map<string, readonly StoredEvent[]>,
  ) {
    this.#files = files;
    this.#scratch = scratch;
    this.#stored = stored;
    this.#events = events;
  }

  /** All by the name that keyString gives, with those that are gone and only remembered. */
  get stored(): ReadonlyMap<string, Stored> {
    return this.#stored;
  }

  /** The object as it is in force; undefined where none is, or it is gone. */
  get(key: Key): Stored | undefined {
    const stored = this.#stored.get(keyString(key));
    return stored?.gone === undefined ? stored : undefined;
  }

  all(): readonly Resource[] {
    return [...this.#stored.values()].filter(({ gone }) => gone === undefined).map(({ resource }) => resource);
  }

  changes(signal: AbortSignal): AsyncIterable<Key> {
    return this.#feed.subscribe(() => this.all().map((resource) => keyOf<Kind>(resource)), signal);
  }

  publish(keys: readonly Key[]): void {
    this.#feed.publish(keys);
  }

  async put(object: Stored): Promise<void> {
    const key = keyOf<Kind>(object.resource);
    await writeObject(this.#files, object, this.#scratch);
    if (object.gone !== undefined) {
      this.#forgetEvents(key);
      await removeEvents(this.#files, key);
    }
    this.#stored.set(keyString(key), object);
    this.publish([key]);
  }

  async drop(key: Key): Promise<void> {
    this.#forgetEvents(key);
    await removeObject(this.#files, key);
    this.#stored.delete(keyString(key));
    this.publish([key]);
  }

  events(key: Key): readonly StoredEvent[] {
    return this.#events.get(keyString(key)) ?? [];
  }

  /** Adds an event about an object in force, here only until saveEvents. */
  addEvent(key: Key, event: Pick<StoredEvent, 'type' | 'reason' | 'message'>, now: number): void {
    this.#events.set(keyString(key), addEvent(this.events(key), event, now));
    this.#unsaved.set(keyString(key), key);
  }

  async saveEvents(): Promise<void> {
    for (const [name, key] of this.#unsaved) {
      await writeEvents(this.#files, key, this.events(key), this.#scratch);
      this.#unsaved.delete(name);
    }
  }

  /** Ends whoever follows changes. */
  close(): void {
    this.#feed.close();
  }

  #forgetEvents(key: Key): void {
    this.#events.delete(keyString(key));
    this.#unsaved.delete(keyString(key));
  }
}
