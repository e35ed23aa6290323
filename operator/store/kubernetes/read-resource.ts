import { isObject } from '../../api/check-schema.ts';
import { apiVersion } from '../../api/resource.ts';
import type { Kind, Metadata, ResourceOf } from '../../api/resource.ts';
import { KubeError } from '../../runtime/kube-error.ts';
import { nameOf } from '../../runtime/kube-object.ts';
import type { KubeObject } from '../../runtime/kube-object.ts';

/**
 * The object without what only Kubernetes knows: versions, managers of fields, finalizers. Its spec is taken as the API
 * server took it: one that a newer schema would refuse stays in force, as in a folder. Throws where the API server
 * cannot have held it to any schema of ours.
 */
export function readResource<K extends Kind>(kind: K, object: KubeObject): ResourceOf<K> {
  const { spec, status } = object as { readonly spec?: unknown; readonly status?: unknown };
  const { name, namespace, uid, generation, creationTimestamp, deletionTimestamp } = object.metadata;
  const { labels, annotations, ownerReferences } = object.metadata;
  if (namespace === undefined || generation === undefined || creationTimestamp === undefined || !isObject(spec))
    throw new KubeError(`${kind}/${nameOf(object.metadata)} has no namespace, generation, time of creation or spec`, {
      reason: 'Malformed',
    });
  const metadata: Metadata = {
    name,
    namespace,
    uid,
    generation,
    creationTimestamp,
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    ...(labels ? { labels } : {}),
    ...(annotations ? { annotations } : {}),
    ...(ownerReferences ? { ownerReferences } : {}),
  };
  // The server holds spec and status to the schema of the kind.
  return { apiVersion, kind, metadata, spec, ...(isObject(status) ? { status } : {}) } as unknown as ResourceOf<K>;
}
