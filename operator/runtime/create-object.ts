import type { KubeClient } from './kube-client.ts';
import { KubeError } from './kube-error.ts';
import { isStored, pathOf } from './kube-object.ts';
import type { KubeObject, ResourceType } from './kube-object.ts';

/**
 * Creates an object by server-side apply that is not forced: where somebody made one under the name a moment ago, the
 * server refuses to change what they wrote, and admission to add to it. (A POST would not do: what it creates belongs to no apply, so that no later
 * one could drop a field of it.)
 */
export async function createObject(
  client: Pick<KubeClient, 'request'>,
  type: ResourceType,
  object: {
    readonly metadata: { readonly namespace: string; readonly name: string };
    readonly [field: string]: unknown;
  },
  fieldManager: string,
): Promise<KubeObject> {
  const { namespace, name } = object.metadata;
  const path = pathOf(type, { namespace, name });
  const answer = await client.request({
    method: 'PATCH',
    path,
    query: { fieldManager, force: false },
    contentType: 'application/apply-patch+yaml',
    body: { ...object, apiVersion: type.apiVersion, kind: type.kind },
  });
  if (!isStored(answer)) throw new KubeError(`${path}: the answer is no object`, { reason: 'Malformed' });
  return answer;
}
