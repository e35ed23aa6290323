import { quote } from '../../common/bytes.ts';
import { isObject } from '../api/check-schema.ts';
import type { Problem } from '../api/check-schema.ts';
import { apiVersion, isKind } from '../api/resource.ts';
import type { Kind } from '../api/resource.ts';

/** As in a cluster, objects without a namespace are in this one. */
export const defaultNamespace = 'default';

// What Kubernetes takes as a name and as a namespace. Both become parts of file names.
const nameForm = /^(?=.{1,253}$)[a-z0-9](?:[-.a-z0-9]*[a-z0-9])?$/;
const namespaceForm = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

type Named = { readonly kind: Kind | undefined; readonly namespace: string; readonly name: string };

/** The name of an object of any kind; `kind` is undefined where it is none of ours. */
export function readKey(object: Readonly<Record<string, unknown>>): Named | { readonly problem: Problem } {
  const metadata = object['metadata'];
  if (!isObject(metadata)) return { problem: { path: 'metadata', message: 'want an object with a name' } };
  const { name, namespace = defaultNamespace } = metadata;
  if (typeof name !== 'string' || !nameForm.test(name))
    return {
      problem: {
        path: 'metadata.name',
        message: `want lowercase letters, digits and inner hyphens or dots, got ${shown(name)}`,
      },
    };
  if (typeof namespace !== 'string' || !namespaceForm.test(namespace))
    return {
      problem: {
        path: 'metadata.namespace',
        message: `want lowercase letters, digits and inner hyphens, got ${shown(namespace)}`,
      },
    };
  const kind = object['kind'];
  return { kind: object['apiVersion'] === apiVersion && isKind(kind) ? kind : undefined, namespace, name };
}

const shown = (value: unknown): string =>
  typeof value === 'string' ? quote(value) : value === undefined ? 'nothing' : `a ${typeof value}`;
