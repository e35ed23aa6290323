import type { KubeClient } from './kube-client.ts';
import { isNotFound } from './kube-error.ts';
import { pathOf } from './kube-object.ts';
import type { KubeObject, ResourceType } from './kube-object.ts';

type Client = Pick<KubeClient, 'request'>;

/** Has the server keep the object, once deleted, until the finalizer is removed. Throws where `object` is not as it is now. */
export const addFinalizer = (
  client: Client,
  type: ResourceType,
  object: KubeObject,
  finalizer: string,
): Promise<void> => {
  const held = object.metadata.finalizers ?? [];
  return held.includes(finalizer) ? Promise.resolve() : write(client, type, object, [...held, finalizer]);
};

/** Lets an object go, as far as `finalizer` kept it. Throws where `object` is there but not as it is now. */
export async function removeFinalizer(
  client: Client,
  type: ResourceType,
  object: KubeObject,
  finalizer: string,
): Promise<void> {
  const held = object.metadata.finalizers ?? [];
  if (!held.includes(finalizer)) return;
  try {
    await write(
      client,
      type,
      object,
      held.filter((other) => other !== finalizer),
    );
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/**
 * A merge patch (RFC 7396) replaces a list whole, so that another's finalizer would be lost or come back if the object
 * had changed: uid and resourceVersion make the server refuse that with a Conflict.
 */
async function write(
  client: Client,
  type: ResourceType,
  { metadata: { namespace, name, uid, resourceVersion } }: KubeObject,
  finalizers: readonly string[],
): Promise<void> {
  await client.request({
    method: 'PATCH',
    path: pathOf(type, { namespace, name }),
    contentType: 'application/merge-patch+json',
    body: { metadata: { uid, resourceVersion, finalizers } },
  });
}
