import { crdSchema } from './definition.ts';
import type { Kind } from './resource.ts';

/** The part of OpenAPI's schema language that crds/*.yaml use, and no more. */
export type Schema = {
  readonly description?: string;
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly format?: 'date-time' | 'int32' | 'int64';
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly maxProperties?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-int-or-string'?: true;
  readonly 'x-kubernetes-preserve-unknown-fields'?: true;
  readonly 'x-kubernetes-validations'?: readonly CelRule[];
};

export type CelRule = { readonly rule: string; readonly message: string; readonly fieldPath?: string };

const label = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$';
const text = { type: 'string', maxLength: 1024 } as const;

/** What the API server demands of metadata by itself. A CRD may only say more about the name. */
const metadata: Schema = {
  type: 'object',
  required: ['name'],
  properties: {
    name: { type: 'string', maxLength: 253, pattern: '^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$' },
    namespace: { type: 'string', maxLength: 63, pattern: label },
    labels: { type: 'object', additionalProperties: { type: 'string', maxLength: 63 } },
    annotations: { type: 'object', additionalProperties: { type: 'string' } },
    uid: text,
    resourceVersion: text,
    generation: { type: 'integer', format: 'int64' },
    creationTimestamp: { type: 'string', format: 'date-time' },
    deletionTimestamp: { type: 'string', format: 'date-time' },
    deletionGracePeriodSeconds: { type: 'integer', format: 'int64' },
    finalizers: { type: 'array', items: text },
    ownerReferences: { type: 'array', items: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
    managedFields: { type: 'array', items: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
  },
};

const loaded = new Map<Kind, Schema>();

/** The schema of a kind's objects as its CRD has it, metadata included. Read from disk once. */
export function schemaOf(kind: Kind): Schema {
  const known = loaded.get(kind);
  if (known) return known;
  const schema = crdSchema(kind);
  const name = { ...metadata.properties?.['name'], ...schema.properties?.['metadata']?.properties?.['name'] };
  const full: Schema = {
    ...schema,
    required: ['apiVersion', 'kind', 'metadata', ...(schema.required ?? [])],
    properties: { ...schema.properties, metadata: { ...metadata, properties: { ...metadata.properties, name } } },
  };
  loaded.set(kind, full);
  return full;
}
