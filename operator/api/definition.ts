import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { Kind } from './resource.ts';
import type { Schema } from './schema.ts';

/** What a kind's CRD says beside the schema: how it is called, what tables show of it. */
export type Definition = {
  readonly names: {
    readonly kind: string;
    readonly plural: string;
    readonly singular: string;
    readonly shortNames: readonly string[];
    readonly categories: readonly string[];
  };
  readonly columns: readonly Column[];
};

/** A column of `get`; one with a priority is for `-o wide` only. */
export type Column = {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly jsonPath: string;
  readonly priority?: number;
};

type Version = {
  readonly schema: { readonly openAPIV3Schema: Schema };
  readonly additionalPrinterColumns: readonly Column[];
};
type Crd<V> = { readonly spec: { readonly names: Definition['names']; readonly versions: readonly [V] } };

const files: Readonly<Record<Kind, string>> = {
  Wallet: 'wallets.yaml',
  Signer: 'signers.yaml',
  SigningPolicy: 'signingpolicies.yaml',
  SigningRequest: 'signingrequests.yaml',
  Approval: 'approvals.yaml',
};

const loaded = new Map<Kind, Definition>();

/** The names and columns of a kind as its CRD has them. Read from disk once. */
export function definitionOf(kind: Kind): Definition {
  const known = loaded.get(kind);
  if (known) return known;
  // The schema comes last and is most of the file: parsing it would take a command longer than all else it does.
  const [head = ''] = textOf(kind).split(/^ +schema:$/m);
  const { spec }: Crd<Omit<Version, 'schema'>> = parse(head);
  const definition = { names: spec.names, columns: spec.versions[0].additionalPrinterColumns };
  loaded.set(kind, definition);
  return definition;
}

/** The schema of a kind as its CRD has it. */
export function crdSchema(kind: Kind): Schema {
  const { spec }: Crd<Version> = parse(textOf(kind));
  return spec.versions[0].schema.openAPIV3Schema;
}

const textOf = (kind: Kind): string => readFileSync(new URL(files[kind], folder()), 'utf8');

/** crds/ lies beside a bundle, and at the root of the sources. */
function folder(): URL {
  const beside = new URL('crds/', import.meta.url);
  return existsSync(beside) ? beside : new URL('../../crds/', import.meta.url);
}
