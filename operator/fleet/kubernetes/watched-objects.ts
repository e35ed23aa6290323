import { digest, utf8 } from '../../../common/bytes.ts';
import { pathOf } from '../../runtime/kube-object.ts';
import type { KubeObject, ResourceType } from '../../runtime/kube-object.ts';
import { isBefore } from '../../runtime/object-cache.ts';
import { Reflector } from '../../runtime/reflector.ts';
import { Reflectors } from '../../runtime/reflectors.ts';
import type { WatchOptions } from '../../runtime/reflectors.ts';
import { canonical } from './canonical.ts';
import { labelSelector, managed } from './signer-labels.ts';

/** The kinds that are watched so that they heal. Claims, which hold shares, come and go by people's hands alone. */
const watchedTypes: readonly ResourceType[] = [
  { apiVersion: 'v1', kind: 'ServiceAccount', plural: 'serviceaccounts' },
  { apiVersion: 'v1', kind: 'Service', plural: 'services' },
  { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', plural: 'networkpolicies' },
  { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', plural: 'poddisruptionbudgets' },
];

export const isWatched = ({ kind }: Pick<ResourceType, 'kind'>): boolean =>
  watchedTypes.some((type) => type.kind === kind);

/** All that is remembered of an object: a cluster may have thousands. */
type Seen = { readonly metadata: KubeObject['metadata']; readonly content: string };

/** What surrounds signers' pods, as reflectors know it: whether something is still as it was last applied. */
export class WatchedObjects {
  readonly #reflectors: ReadonlyMap<string, Reflectors<Seen>>;

  constructor({ client, namespaces, clock, log, meter }: WatchOptions) {
    const reflector = (type: ResourceType, namespace: string | undefined): Reflector<Seen> =>
      new Reflector<Seen>({
        name: type.plural,
        client,
        path: pathOf(type, { namespace }),
        selectors: { labelSelector: labelSelector(managed) },
        keep: seen,
        clock,
        log,
        ...(meter ? { meter } : {}),
        onChange: () => {},
      });
    this.#reflectors = new Map(
      watchedTypes.map((type) => [type.kind, new Reflectors(namespaces, (namespace) => reflector(type, namespace))]),
    );
  }

  /** Resolves when `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#reflectors.values()].map((reflectors) => reflectors.run(signal)));
  }

  /**
   * Whether an object is as the server `answered` when it was last applied. As long as nothing else is known it is:
   * where its kind is not watched, the watch has not come so far, or cannot be had.
   */
  stands({ kind }: { readonly kind: string }, answered: Seen): boolean {
    const { namespace, name, resourceVersion } = answered.metadata;
    const reflector = this.#reflectors.get(kind)?.of(namespace);
    if (reflector?.isSynced !== true || isBefore(reflector.cache.version, resourceVersion)) return true;
    return reflector.cache.get(name, namespace)?.content === answered.content;
  }
}

/** An object without what others write about it: its status, and what the server keeps of its history. */
export function seen({ metadata, ...object }: KubeObject): Seen {
  const { apiVersion: _, kind: __, status: ___, ...fields } = object as Readonly<Record<string, unknown>>;
  const { namespace, name, uid, resourceVersion, labels, annotations, ownerReferences } = metadata;
  return {
    metadata: { name, uid, resourceVersion, ...(namespace !== undefined && { namespace }) },
    content: digest(utf8(canonical({ uid, labels, annotations, ownerReferences, fields }))),
  };
}
