import { digest, utf8 } from '../../../common/bytes.ts';
import { createObject } from '../../runtime/create-object.ts';
import type { KubeClient } from '../../runtime/kube-client.ts';
import { isNotFound, KubeError } from '../../runtime/kube-error.ts';
import { isStored, nameOf, pathOf } from '../../runtime/kube-object.ts';
import type { KubeObject, ResourceType } from '../../runtime/kube-object.ts';
import { applyObject, getObject } from '../../runtime/objects.ts';
import { fleetManager } from '../../store/kubernetes/field-managers.ts';
import type { Manifest } from './manifest.ts';
import { managed } from './signer-labels.ts';
import { isWatched, seen } from './watched-objects.ts';
import type { WatchedObjects } from './watched-objects.ts';

const plurals: Readonly<Record<string, string>> = {
  ConfigMap: 'configmaps',
  NetworkPolicy: 'networkpolicies',
  PersistentVolumeClaim: 'persistentvolumeclaims',
  PodDisruptionBudget: 'poddisruptionbudgets',
  Service: 'services',
  ServiceAccount: 'serviceaccounts',
  StatefulSet: 'statefulsets',
};

/** Throws of a kind that the operator makes none of. */
export function typeOf({ apiVersion, kind }: Pick<Manifest, 'apiVersion' | 'kind'>): ResourceType {
  const plural = plurals[kind];
  if (plural === undefined) throw new Error(`${kind}: the operator makes none`);
  return { apiVersion, kind, plural };
}

/** What was applied, and what became of it. */
type Applied = { readonly wanted: string; readonly answered: ReturnType<typeof seen> };

/**
 * Objects that the operator makes. What was applied is remembered, and applied again only where something else is wanted,
 * somebody changed or deleted it, or it is asked for anew.
 */
export class ManagedObjects {
  readonly #client: Pick<KubeClient, 'request'>;
  readonly #watched: Pick<WatchedObjects, 'stands'>;
  /** By kind and name. */
  readonly #applied = new Map<string, Applied>();

  constructor(client: Pick<KubeClient, 'request'>, watched: Pick<WatchedObjects, 'stands'>) {
    this.#client = client;
    this.#watched = watched;
  }

  /** Throws where somebody else made an object of that name. */
  async apply(manifest: Manifest, { anew = false } = {}): Promise<void> {
    const key = `${manifest.kind}/${nameOf(manifest.metadata)}`;
    const wanted = digest(utf8(JSON.stringify(manifest)));
    const before = this.#applied.get(key);
    if (!anew && before?.wanted === wanted && this.#watched.stands(manifest, before.answered)) return;
    this.#applied.delete(key);
    const type = typeOf(manifest);
    const held = await look(this.#client, type, manifest.metadata);
    const answer =
      held === undefined
        ? await createObject(this.#client, type, fieldsOf(manifest), fleetManager)
        : await this.#change(type, manifest, held);
    this.#applied.set(key, { wanted, answered: seen(answer) });
  }

  async #change(type: ResourceType, manifest: Manifest, held: KubeObject): Promise<KubeObject> {
    const { namespace, name } = manifest.metadata;
    if (!isManaged(held)) throw new Error(notOurs(type, { namespace, name }));
    const { uid, resourceVersion } = held.metadata;
    const applied = { ...asMade(manifest, held), metadata: { ...manifest.metadata, uid, resourceVersion } };
    return applyObject(this.#client, type, applied, { fieldManager: fleetManager });
  }
}

export const isManaged = ({ metadata: { labels } }: KubeObject): boolean =>
  Object.entries(managed).every(([name, value]) => labels?.[name] === value);

export const notOurs = (
  { kind }: ResourceType,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): string =>
  `${kind} ${namespace}/${name} was made by somebody else (it has no label app.kubernetes.io/managed-by=holdfast), and a signer needs one of that name: delete or rename it`;

/**
 * As it is now. Of a kind that the operator has no right to read, a patch that changes nothing is answered with the object;
 * of others it is not asked for so, since admission would refuse one that it would not let the operator write.
 */
async function look(
  client: Pick<KubeClient, 'request'>,
  type: ResourceType,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): Promise<KubeObject | undefined> {
  if (isWatched(type)) return getObject(client, type, { namespace, name });
  const path = pathOf(type, { namespace, name });
  try {
    const answer = await client.request({
      method: 'PATCH',
      path,
      query: { fieldManager: fleetManager },
      contentType: 'application/merge-patch+json',
      body: {},
    });
    if (!isStored(answer)) throw new KubeError(`${path}: the answer is no object`, { reason: 'Malformed' });
    return answer;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

type Fields = { readonly metadata: Manifest['metadata']; readonly [field: string]: unknown };

const fieldsOf = (manifest: Manifest): Fields => ({ ...manifest });

/** A claim keeps what nobody can change about it, whatever the settings say by now; all else is as it is wanted. */
function asMade(manifest: Manifest, held: KubeObject): Fields {
  const wanted = fieldsOf(manifest);
  if (manifest.kind !== 'PersistentVolumeClaim') return wanted;
  const { accessModes, storageClassName } = (held as { readonly spec?: Readonly<Record<string, unknown>> }).spec ?? {};
  const { storageClassName: _, ...spec } = wanted['spec'] as Readonly<Record<string, unknown>>;
  return { ...wanted, spec: { ...spec, accessModes, ...(storageClassName !== undefined && { storageClassName }) } };
}
