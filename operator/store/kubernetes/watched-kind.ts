import { messageOf } from '../../../common/errors.ts';
import { namedBy } from '../../api/named.ts';
import { keyString } from '../../api/resource.ts';
import type { Key, Kind, ResourceOf } from '../../api/resource.ts';
import { nameOf, pathOf } from '../../runtime/kube-object.ts';
import type { KubeObject } from '../../runtime/kube-object.ts';
import { isBefore } from '../../runtime/object-cache.ts';
import { Reflector } from '../../runtime/reflector.ts';
import { Reflectors } from '../../runtime/reflectors.ts';
import type { WatchOptions } from '../../runtime/reflectors.ts';
import { readResource } from './read-resource.ts';
import { resourceType } from './resource-type.ts';

/** How long a write waits to be seen. A watch tells within milliseconds, or is broken and is noticed later. */
const seenMs = 2_000;

export type WatchedKindOptions = WatchOptions & {
  /** Told of the key of each new version, and of each object that is gone. */
  readonly onChange: (key: Key) => void;
};

type Entry<K extends Kind> =
  /** `named` is the key of what it names, "" for nothing. */
  | { readonly object: KubeObject; readonly resource: ResourceOf<K>; readonly named: string }
  | { readonly object: KubeObject; readonly problem: unknown };

/** All objects of a kind as its reflectors know them: one for all namespaces, or one for each that is named. */
export class WatchedKind<K extends Kind> {
  readonly kind: K;
  readonly #options: WatchedKindOptions;
  readonly #entries = new Map<string, Entry<K>>();
  /** What names an object, by that one's key and then by its own name. */
  readonly #naming = new Map<string, Map<string, ResourceOf<K>>>();
  readonly #reflectors: Reflectors<KubeObject>;
  readonly #waiting = new Set<() => void>();

  constructor(kind: K, options: WatchedKindOptions) {
    const { client, namespaces, clock, log, meter } = options;
    this.kind = kind;
    this.#options = options;
    const type = resourceType(kind);
    this.#reflectors = new Reflectors(
      namespaces,
      (namespace) =>
        new Reflector<KubeObject>({
          name: type.plural,
          client,
          path: pathOf(type, { namespace }),
          clock,
          log,
          ...(meter ? { meter } : {}),
          onChange: ({ type: how, object }) => this.#take(how === 'deleted' ? 'gone' : 'there', object),
        }),
    );
  }

  /** Resolves when `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#reflectors.run(signal);
  }

  get synced(): Promise<unknown> {
    return this.#reflectors.synced;
  }

  /** Throws where the object is none that could be understood, or none that is watched: that must not look as if it were gone. */
  resource({ namespace, name }: Key): ResourceOf<K> | undefined {
    this.demand(namespace);
    const entry = this.#entries.get(nameOf({ namespace, name }));
    if (entry && 'problem' in entry) throw entry.problem;
    return entry?.resource;
  }

  /** All that can be understood. */
  resources(): readonly ResourceOf<K>[] {
    return [...this.#entries.values()].flatMap((entry) => ('resource' in entry ? [entry.resource] : []));
  }

  /** Those that name an object. */
  naming(key: Key): readonly ResourceOf<K>[] {
    return [...(this.#naming.get(keyString(key))?.values() ?? [])];
  }

  /** The object as the server last told of it. */
  object({ namespace, name }: Key): KubeObject | undefined {
    return this.#entries.get(nameOf({ namespace, name }))?.object;
  }

  /** Throws where objects of a namespace would never be seen. */
  demand(namespace: string): void {
    this.#reflectors.of(namespace);
  }

  /** Resolves once the reflector knows what `written` was the answer to, so that whoever wrote reads it. */
  seen({ namespace, resourceVersion }: KubeObject['metadata']): Promise<void> {
    const { cache } = this.#reflectors.of(namespace);
    return this.until(() => !isBefore(cache.version, resourceVersion));
  }

  /** Resolves once something holds of what is known, or after two seconds: what is read then may be old, and heals. */
  async until(holds: () => boolean): Promise<void> {
    if (holds()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => {
      if (holds()) resolve();
    };
    const cancel = this.#options.clock.after(seenMs, resolve);
    this.#waiting.add(look);
    try {
      await promise;
    } finally {
      this.#waiting.delete(look);
      cancel();
    }
  }

  #take(how: 'there' | 'gone', object: KubeObject): void {
    const name = nameOf(object.metadata);
    this.#set(name, how === 'gone' ? undefined : this.#read(object));
    // Also where it looks as before: there may have been a state between that was not seen, such as what was just written.
    this.#options.onChange({ kind: this.kind, namespace: object.metadata.namespace ?? '', name: object.metadata.name });
    for (const look of [...this.#waiting]) look();
  }

  #set(name: string, entry: Entry<K> | undefined): void {
    const before = this.#entries.get(name);
    if (before && 'resource' in before) {
      const others = this.#naming.get(before.named);
      others?.delete(name);
      if (others?.size === 0) this.#naming.delete(before.named);
    }
    if (entry === undefined) this.#entries.delete(name);
    else this.#entries.set(name, entry);
    if (entry === undefined || 'problem' in entry) return;
    const others = this.#naming.get(entry.named) ?? new Map<string, ResourceOf<K>>();
    this.#naming.set(entry.named, others.set(name, entry.resource));
  }

  #read(object: KubeObject): Entry<K> {
    try {
      const resource = readResource(this.kind, object);
      const named = namedBy(resource);
      return { object, resource, named: named === undefined ? '' : keyString(named) };
    } catch (problem) {
      this.#options.log.error('object not understood', { kind: this.kind, error: messageOf(problem) });
      return { object, problem };
    }
  }
}
