import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { Kind } from './resource.ts';
import type { Schema } from './schema.ts';

/** What a kind's CRD says: how it is called, what tables show of it, what its objects look like. */
export type Definition = {
  readonly names: {
    readonly kind: string;
    readonly plural: string;
    readonly singular: string;
    readonly shortNames: readonly string[];
    readonly categories: readonly string[];
  };
  readonly columns: readonly Column[];
  readonly schema: Schema;
};

/** A column of `get`; one with a priority is for `-o wide` only. */
export type Column = {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly jsonPath: string;
  readonly priority?: number;
};

type Crd = {
  readonly spec: {
    readonly names: Definition['names'];
    readonly versions: readonly [
      { readonly schema: { readonly openAPIV3Schema: Schema }; readonly additionalPrinterColumns: readonly Column[] },
    ];
  };
};

const files: Readonly<Record<Kind, string>> = {
  Wallet: 'wallets.yaml',
  Signer: 'signers.yaml',
  SigningPolicy: 'signingpolicies.yaml',
  SigningRequest: 'signingrequests.yaml',
  Approval: 'approvals.yaml',
};

const loaded = new Map<Kind, Definition>();

/** The definition of a kind as crds/ has it. Read from disk once. */
export function definitionOf(kind: Kind): Definition {
  const known = loaded.get(kind);
  if (known) return known;
  const { spec }: Crd = parse(readFileSync(new URL(files[kind], folder()), 'utf8'));
  const [version] = spec.versions;
  const definition = {
    names: spec.names,
    columns: version.additionalPrinterColumns,
    schema: version.schema.openAPIV3Schema,
  };
  loaded.set(kind, definition);
  return definition;
}

/** crds/ lies beside a bundle, and at the root of the sources. */
function folder(): URL {
  const beside = new URL('crds/', import.meta.url);
  return existsSync(beside) ? beside : new URL('../../crds/', import.meta.url);
}
