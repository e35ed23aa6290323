import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export type Case = {
  readonly name: string;
  readonly operation: 'create' | 'update';
  readonly object: Json;
  /** What is there before an update. */
  readonly old: Json | undefined;
  /** Absent where the object is to be taken. `rule` is word for word the message of a CEL rule. */
  readonly refused: { readonly path: string; readonly rule?: string; readonly message?: string } | undefined;
};

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

type File = {
  readonly base: Json;
  readonly cases: readonly {
    readonly name: string;
    readonly from?: Json;
    readonly change?: Json;
    readonly refused?: Case['refused'];
  }[];
};

export const caseFiles = ['wallet', 'signer', 'signing-policy', 'signing-request', 'approval'] as const;

/** The cases of one file: a table of verdicts that any validator of resources has to come to. */
export function loadCases(file: (typeof caseFiles)[number]): readonly Case[] {
  const { base, cases }: File = parse(readFileSync(new URL(`${file}.yaml`, import.meta.url), 'utf8'));
  return cases.map(({ name, from, change = {}, refused }) => ({
    name,
    operation: from === undefined ? 'create' : 'update',
    object: mergePatch(base, change),
    old: from === undefined ? undefined : mergePatch(base, from),
    refused,
  }));
}

const isObject = (value: Json | undefined): value is { readonly [name: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** RFC 7386: objects merge, null removes, anything else replaces. */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const merged: Record<string, Json> = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch))
    if (value === null) delete merged[name];
    else merged[name] = mergePatch(merged[name], value);
  return merged;
}

/** The patch by which {@link mergePatch} makes `to` of `from`. */
export function mergePatchFor(from: Json | undefined, to: Json): Json {
  if (!isObject(from) || !isObject(to)) return to;
  const patch: Record<string, Json> = {};
  for (const name of Object.keys(from)) if (!(name in to)) patch[name] = null;
  for (const [name, value] of Object.entries(to))
    if (JSON.stringify(from[name]) !== JSON.stringify(value)) patch[name] = mergePatchFor(from[name], value);
  return patch;
}
