import type { KubeClient } from './kube-client.ts';
import { KubeError, isNotFound } from './kube-error.ts';
import { isStored, pathOf } from './kube-object.ts';
import type { KubeObject, ObjectMeta, ResourceType } from './kube-object.ts';

type Client = Pick<KubeClient, 'request'>;
type Writer = {
  /** Of one controller alone: it owns the fields that it applies, and gives up those that it applies no longer. */
  readonly fieldManager: string;
  readonly signal?: AbortSignal;
};
/** An object by name; with a `uid`, none other under that name. */
type Target = { readonly namespace?: string | undefined; readonly name: string; readonly uid?: string | undefined };

/** The object, or undefined where there is none. */
export async function getObject(
  client: Client,
  type: ResourceType,
  { namespace, name }: Target,
  signal?: AbortSignal,
): Promise<KubeObject | undefined> {
  try {
    const path = pathOf(type, { namespace, name });
    return stored(path, await client.request({ path, ...(signal ? { signal } : {}) }));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * Creates an object, or makes the fields of it that are given what they are given as, by server-side apply: fields of
 * others stay, and a conflict with another manager is decided for this one. With `metadata.uid` it only changes.
 */
export const applyObject = (
  client: Client,
  type: ResourceType,
  object: { readonly metadata: Target; readonly [field: string]: unknown },
  writer: Writer,
): Promise<KubeObject> => apply(client, type, object, undefined, writer);

/**
 * Makes the status of an object this one. Throws where the object is gone; with its `uid` also where another has its
 * name, which must not be given the status of its predecessor.
 */
export const applyStatus = (
  client: Client,
  type: ResourceType,
  { namespace, name, uid }: Target,
  status: unknown,
  writer: Writer,
): Promise<KubeObject> => {
  const metadata = { name, ...(namespace === undefined ? {} : { namespace }), ...(uid === undefined ? {} : { uid }) };
  return apply(client, type, { metadata, status }, 'status', writer);
};

/** Deletes an object and then what it owns; nothing happens where it is gone, or where another has its name. */
export async function removeObject(
  client: Client,
  type: ResourceType,
  { namespace, name, uid }: Pick<ObjectMeta, 'namespace' | 'name' | 'uid'>,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await client.request({
      method: 'DELETE',
      path: pathOf(type, { namespace, name }),
      body: { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid }, propagationPolicy: 'Background' },
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (isNotFound(error)) return;
    const now = await getObject(client, type, { namespace, name }, signal);
    if (now?.metadata.uid === uid) throw error;
  }
}

async function apply(
  client: Client,
  type: ResourceType,
  object: { readonly metadata: Target; readonly [field: string]: unknown },
  subresource: 'status' | undefined,
  { fieldManager, signal }: Writer,
): Promise<KubeObject> {
  const { namespace, name } = object.metadata;
  const path = pathOf(type, { namespace, name, ...(subresource ? { subresource } : {}) });
  const answer = await client.request({
    method: 'PATCH',
    path,
    query: { fieldManager, force: true },
    // JSON is YAML. client-node would send a strategic merge or a JSON patch.
    contentType: 'application/apply-patch+yaml',
    body: { ...object, apiVersion: type.apiVersion, kind: type.kind },
    ...(signal ? { signal } : {}),
  });
  return stored(path, answer);
}

function stored(path: string, answer: unknown): KubeObject {
  if (!isStored(answer)) throw new KubeError(`${path}: the answer is no object`, { reason: 'Malformed' });
  return answer;
}
