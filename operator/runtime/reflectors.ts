import type { Clock } from '../../common/clock.ts';
import type { Log } from '../../common/log.ts';
import type { KubeClient } from './kube-client.ts';
import type { KubeObject } from './kube-object.ts';
import type { Reflector, ReflectorMeter } from './reflector.ts';

/** What the reflectors of a cluster's objects are made with. */
export type WatchOptions = {
  readonly client: Pick<KubeClient, 'request' | 'watch'>;
  /** All where none is named. */
  readonly namespaces: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  readonly meter?: ReflectorMeter | undefined;
};

/** The reflectors of one kind: one for all namespaces where none is named, else one for each. */
export class Reflectors<T extends KubeObject> {
  readonly #byNamespace: ReadonlyMap<string | undefined, Reflector<T>>;

  constructor(namespaces: readonly string[], reflectorFor: (namespace: string | undefined) => Reflector<T>) {
    const each = namespaces.length === 0 ? [undefined] : namespaces;
    this.#byNamespace = new Map(each.map((namespace) => [namespace, reflectorFor(namespace)]));
  }

  /** Resolves when `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#byNamespace.values()].map((reflector) => reflector.run(signal)));
  }

  /** Resolves once every object is known. */
  get synced(): Promise<unknown> {
    return Promise.all([...this.#byNamespace.values()].map((reflector) => reflector.synced));
  }

  /** Throws where objects of the namespace are not watched. */
  of(namespace: string | undefined): Reflector<T> {
    const reflector = this.#byNamespace.get(undefined) ?? this.#byNamespace.get(namespace);
    if (!reflector) throw new Error(`namespace ${namespace} is none of this operator's`);
    return reflector;
  }
}
