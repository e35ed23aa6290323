import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Query } from '../kube-client.ts';
import { isRecord } from '../kube-error.ts';
import type { ApiState, Stored } from './api-state.ts';
import { applied, merged, updated } from './field-ownership.ts';
import type { Fields, Manager } from './field-ownership.ts';

export type Write = {
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query: Query;
  readonly contentType: string | undefined;
  readonly body: Fields;
};
export type Answer = { readonly status: number; readonly body: unknown };

/** What a schema or an admission policy finds wrong with an object; undefined where it may be written. */
export type Admit = (object: Fields, old: Fields | undefined) => string | undefined;

/**
 * What becomes of a write to a namespaced kind with a status subresource: preconditions, managers of fields, generations,
 * finalizers and admission as an API server has them. What changes nothing is no new version.
 */
export function write(api: ApiState, asked: Write, admit: Admit = () => undefined): Answer {
  const { method, path, body } = asked;
  const subresource = method !== 'POST' && path.endsWith('/status') ? 'status' : '';
  const at = method === 'POST' ? `${path}/${nameIn(body)}` : path.replace(/\/status$/, '');
  const held = api.get(at);
  if (method === 'POST' && held) return refused(409, 'AlreadyExists');
  const isApply = asked.contentType === 'application/apply-patch+yaml';
  if (!held && method !== 'POST' && !(isApply && subresource === '')) return refused(404, 'NotFound');
  const { uid, resourceVersion } = recordIn(body, method === 'DELETE' ? 'preconditions' : 'metadata');
  const holds =
    (uid === undefined || uid === held?.metadata.uid) &&
    (resourceVersion === undefined || resourceVersion === held?.metadata.resourceVersion);
  if (!holds) return refused(409, 'Conflict');
  if (method === 'DELETE') return deletion(api, at, held);

  const live: Fields = held ?? {};
  const who: Manager = {
    manager: String(asked.query['fieldManager'] ?? 'unknown'),
    operation: isApply ? 'Apply' : 'Update',
    subresource,
  };
  const given = only(subresource, method === 'PATCH' ? {} : live, body);
  let next: Fields;
  if (isApply) {
    const result = applied(live, given, { ...who, force: String(asked.query['force']) === 'true' });
    if ('conflicts' in result)
      return refused(409, 'Conflict', `conflicts with another manager: ${result.conflicts.join(', ')}`);
    next = result.object;
  } else next = updated(live, only(subresource, live, method === 'PATCH' ? merged(live, given) : given), who);

  const object = { ...next, metadata: metadataOf(at, next, held) };
  const wrong = finalizersOf(object).some((each) => isGoing(held) && !finalizersOf(held).includes(each))
    ? 'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted'
    : admit(object, held);
  if (wrong !== undefined) return refused(422, 'Invalid', wrong);
  if (held && isDeepStrictEqual(object, held)) return { status: 200, body: held };
  if (isGoing(held) && finalizersOf(object).length === 0) {
    api.remove(at);
    return { status: 200, body: object };
  }
  return { status: held ? 200 : 201, body: api.put(at, object) };
}

function deletion(api: ApiState, at: string, held: Stored | undefined): Answer {
  if (held && finalizersOf(held).length > 0) {
    if (!isGoing(held)) {
      const generation = (held.metadata.generation ?? 0) + 1;
      api.put(at, {
        ...held,
        metadata: { ...held.metadata, generation, deletionTimestamp: time(), deletionGracePeriodSeconds: 0 },
      });
    }
    return { status: 200, body: api.get(at) };
  }
  api.remove(at);
  return { status: 200, body: { kind: 'Status', status: 'Success' } };
}

/** `object` as far as a write to a subresource reaches; the rest as it is in `live`. */
function only(subresource: string, live: Fields, object: Fields): Fields {
  const { status: before, ...others } = live;
  const { status: given, ...rest } = object;
  const kept = subresource === 'status' ? others : rest;
  const status = subresource === 'status' ? given : before;
  return { ...kept, ...(status === undefined ? {} : { status }) };
}

/** What a client may set, with what the server does. The uid and the version come with storing. */
function metadataOf(at: string, next: Fields, held: Stored | undefined): Fields {
  const [namespace, , name] = at.split('/').slice(-3);
  const { labels, annotations, ownerReferences, finalizers, managedFields } = recordIn(next, 'metadata');
  const { metadata: before, spec } = held ?? {};
  const changed = !held || !isDeepStrictEqual(next['spec'], spec);
  const kept = { ...before, labels, annotations, ownerReferences, finalizers, managedFields };
  return {
    ...Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined)),
    namespace,
    name,
    creationTimestamp: before?.creationTimestamp ?? time(),
    generation: (before?.generation ?? 0) + (changed ? 1 : 0),
  };
}

const finalizersOf = (object: Fields | Stored | undefined): readonly string[] => {
  const finalizers = recordIn(object ?? {}, 'metadata')['finalizers'];
  return Array.isArray(finalizers) ? (finalizers as readonly string[]) : [];
};
const isGoing = (object: Stored | undefined): boolean => object?.metadata.deletionTimestamp !== undefined;

const recordIn = (object: Fields | Stored, field: string): Fields => {
  const value = (object as Fields)[field];
  return isRecord(value) ? value : {};
};

const nameIn = (body: Fields): string => {
  const { name } = recordIn(body, 'metadata');
  return typeof name === 'string' ? name : randomUUID();
};

const time = (): string => `${new Date().toISOString().slice(0, 19)}Z`;

export const refused = (code: number, reason: string, message = `it says ${reason}`): Answer => ({
  status: code,
  body: { kind: 'Status', status: 'Failure', code, reason, message },
});
