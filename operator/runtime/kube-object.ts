import { isRecord } from './kube-error.ts';

/** Objects are JSON as the server sends it: times are strings, and fields that this does not know stay. */
export type ObjectMeta = {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly ownerReferences?: readonly OwnerReference[];
};

export type OwnerReference = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
};

export type KubeObject = { readonly apiVersion?: string; readonly kind?: string; readonly metadata: ObjectMeta };

/** A kind and where the server serves it. */
export type ResourceType = {
  /** `v1`, or group and version: `apps/v1`. */
  readonly apiVersion: string;
  readonly kind: string;
  /** As in paths: `statefulsets`. */
  readonly plural: string;
};

export type Place = { readonly namespace?: string | undefined; readonly name?: string; readonly subresource?: string };

/** `/apis/apps/v1/namespaces/payments/statefulsets/a/status`: a list without a name, of all namespaces without one. */
export function pathOf({ apiVersion, plural }: ResourceType, { namespace, name, subresource }: Place = {}): string {
  const parts = [
    ...(namespace === undefined ? [] : ['namespaces', namespace]),
    plural,
    ...(name === undefined ? [] : [name]),
    ...(subresource === undefined ? [] : [subresource]),
  ];
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return `${root}/${parts.map(encodeURIComponent).join('/')}`;
}

/** `namespace/name`, or the name alone where there is no namespace. */
export const nameOf = ({
  namespace,
  name,
}: {
  readonly namespace?: string | undefined;
  readonly name: string;
}): string => (namespace === undefined ? name : `${namespace}/${name}`);

/** Whether `value` has what the server gives every stored object: a name, a uid and a version. */
export const isStored = (value: unknown): value is KubeObject =>
  isRecord(value) &&
  isRecord(value['metadata']) &&
  ['name', 'uid', 'resourceVersion'].every((field) => {
    const held = (value['metadata'] as Record<string, unknown>)[field];
    return typeof held === 'string' && held !== '';
  });
