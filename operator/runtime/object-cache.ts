import { nameOf } from './kube-object.ts';
import type { KubeObject } from './kube-object.ts';

export type Change<T> = { readonly type: 'added' | 'changed' | 'deleted'; readonly object: T };

/**
 * Objects as a list and the events since told of them. An object is its uid: one that was deleted and made anew under
 * its name, which a list or a late event may show as one step, is a deletion and an addition. What repeats changes
 * nothing.
 */
export class ObjectCache<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  #version = '';

  /** The resource version after which a watch goes on; "" before the first list. */
  get version(): string {
    return this.#version;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(name: string, namespace?: string): T | undefined {
    return this.#objects.get(nameOf({ namespace, name }));
  }

  list(): readonly T[] {
    return [...this.#objects.values()];
  }

  /** Takes what is there at `version` for all there is. */
  replace(objects: readonly T[], version: string): readonly Change<T>[] {
    const there = new Set(objects.map(({ metadata }) => nameOf(metadata)));
    const gone = [...this.#objects].filter(([name]) => !there.has(name));
    for (const [name] of gone) this.#objects.delete(name);
    this.#version = version;
    return [
      ...gone.map(([, object]): Change<T> => ({ type: 'deleted', object })),
      ...objects.flatMap((object) => this.#put(object)),
    ];
  }

  /** Takes an event of a watch that went on after {@link version}. */
  apply(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): readonly Change<T>[] {
    const { uid, resourceVersion } = object.metadata;
    const name = nameOf(object.metadata);
    const held = this.#objects.get(name);
    const isHeld = held?.metadata.uid === uid;
    // A deletion may carry its own version or the object's last: only one older than what is held is late.
    const late =
      type === 'DELETED' && isHeld
        ? isBefore(resourceVersion, held.metadata.resourceVersion)
        : resourceVersion === this.#version || isBefore(resourceVersion, this.#version);
    if (late) return [];
    this.moveTo(resourceVersion);
    if (type !== 'DELETED') return this.#put(object);
    if (held === undefined) return [];
    this.#objects.delete(name);
    return [{ type: 'deleted', object: isHeld ? object : held }];
  }

  /** Nothing but what was told of changed up to `version`, as a bookmark says. */
  moveTo(version: string): void {
    if (!isBefore(version, this.#version)) this.#version = version;
  }

  #put(object: T): readonly Change<T>[] {
    const name = nameOf(object.metadata);
    const held = this.#objects.get(name);
    if (held?.metadata.uid === object.metadata.uid && held.metadata.resourceVersion === object.metadata.resourceVersion)
      return [];
    this.#objects.set(name, object);
    if (held === undefined) return [{ type: 'added', object }];
    if (held.metadata.uid === object.metadata.uid) return [{ type: 'changed', object }];
    return [
      { type: 'deleted', object: held },
      { type: 'added', object },
    ];
  }
}

const isNumber = /^\d+$/;

/**
 * Whether version `a` came before `b`: those of one resource are decimal numbers that grow (KEP-5504). Of versions that
 * are not, as an extension server may have, none is known to come before another.
 */
export const isBefore = (a: string, b: string): boolean =>
  isNumber.test(a) && isNumber.test(b) && BigInt(a) < BigInt(b);
