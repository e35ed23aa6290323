import { fromUtf8, quote } from '../../common/bytes.ts';
import { isObject } from '../api/check-schema.ts';
import type { Problem } from '../api/check-schema.ts';
import { nearest } from '../../common/nearest.ts';
import { apiVersion } from '../api/resource.ts';
import type { Key } from '../api/resource.ts';
import { validate } from '../api/validate.ts';
import { readKey } from './manifest-key.ts';
import { yamlDocuments } from './yaml-documents.ts';

/**
 * What is wrong with a manifest. `file` is relative to the folder. `document` counts from 1; 0 is the file as a whole.
 * `path` is the field's, or "". `key` names the object where that much is clear.
 */
export type ManifestProblem = Problem & { readonly file: string; readonly document: number; readonly key?: Key };

/** One object of ours as a file has it: named, not validated yet. `object` has its namespace. */
export type Manifest = {
  readonly key: Key;
  readonly file: string;
  readonly document: number;
  readonly object: Readonly<Record<string, unknown>>;
};

export type SecretManifest = {
  readonly namespace: string;
  readonly name: string;
  readonly file: string;
  readonly document: number;
  readonly data: ReadonlyMap<string, Uint8Array>;
};

/** What one file says. Where it is `unclear`, objects that it held before may still be meant. */
export type Reading = {
  readonly file: string;
  readonly manifests: readonly Manifest[];
  readonly secrets: readonly SecretManifest[];
  readonly problems: readonly ManifestProblem[];
  readonly unclear: boolean;
};

export const maxManifestBytes = 1024 * 1024;

/** A file of which nothing can be used. */
export const unreadable = (file: string, message: string): Reading => ({
  file,
  manifests: [],
  secrets: [],
  problems: [{ file, document: 0, path: '', message }],
  unclear: true,
});

/** A file that is being written. */
export const settling = (file: string): Reading => ({ file, manifests: [], secrets: [], problems: [], unclear: true });

/** One line: file, document, field, what is wrong. */
export const problemText = ({ file, document, path, message }: ManifestProblem): string =>
  [document === 0 ? file : `${file}, document ${document}`, ...(path === '' ? [] : [path]), message].join(': ');

/**
 * Reads the YAML or JSON of a file. Never throws, and never quotes the file in a problem about its syntax:
 * that could be a Secret.
 */
export function readManifests(file: string, bytes: Uint8Array): Reading {
  if (bytes.length > maxManifestBytes) return unreadable(file, `want at most ${maxManifestBytes} bytes, got more`);
  let documents: readonly unknown[];
  try {
    documents = yamlDocuments(fromUtf8(bytes));
  } catch (error) {
    return unreadable(file, error instanceof SyntaxError ? error.message : 'is not UTF-8 text');
  }
  // Writers and full disks leave empty files behind: that is no wish to delete what the file held.
  if (documents.length === 0 && !bytes.includes('#'.charCodeAt(0)))
    return unreadable(file, 'is empty: write the manifest again, or delete the file together with what it held');
  const readings = documents.map((value, i) => readDocument(file, i + 1, value));
  return {
    file,
    manifests: readings.flatMap(({ manifests }) => manifests),
    secrets: readings.flatMap(({ secrets }) => secrets),
    problems: readings.flatMap(({ problems }) => problems),
    unclear: readings.some(({ unclear }) => unclear),
  };
}

function readDocument(file: string, document: number, value: unknown): Omit<Reading, 'file'> {
  const nothing = { manifests: [], secrets: [], problems: [], unclear: false };
  const wrong = (...problems: readonly Problem[]): Omit<Reading, 'file'> => ({
    ...nothing,
    problems: problems.map((problem) => ({ file, document, ...problem })),
    unclear: true,
  });
  if (value === null) return nothing;
  if (!isObject(value)) return wrong({ path: '', message: 'want an object with apiVersion, kind and metadata' });

  const { apiVersion: version, kind } = value;
  if (typeof version !== 'string') return wrong({ path: 'apiVersion', message: `is required, like ${apiVersion}` });
  if (typeof kind !== 'string') return wrong({ path: 'kind', message: 'is required, like Wallet' });
  if (version === 'v1' && kind === 'List')
    return wrong({ path: 'kind', message: 'want the items of the List as documents of their own, with --- between' });

  const [group = ''] = version.split('/');
  const [ourGroup = ''] = apiVersion.split('/');
  const secret = version === 'v1' && kind === 'Secret';
  // Other kinds, like Namespace, are for a cluster; a slip of the pen in our group is not.
  if (!secret && group !== ourGroup && nearest(group, [ourGroup]) === undefined) return nothing;

  const named = readKey(value);
  if ('problem' in named) return wrong(named.problem);
  const { namespace, name } = named;
  if (secret) {
    const data = readSecret(value);
    return 'problem' in data
      ? wrong(data.problem)
      : { ...nothing, secrets: [{ namespace, name, file, document, data: data.data }] };
  }
  if (named.kind === undefined) return wrong(...validate(value));
  const object = { ...value, metadata: { ...(isObject(value['metadata']) ? value['metadata'] : {}), namespace } };
  return { ...nothing, manifests: [{ key: { kind: named.kind, namespace, name }, file, document, object }] };
}

/** A Secret's data and stringData. Problems name keys and never values. */
function readSecret(
  secret: Readonly<Record<string, unknown>>,
): { data: ReadonlyMap<string, Uint8Array> } | { problem: Problem } {
  const { data = {}, stringData = {} } = secret;
  const found = new Map<string, Uint8Array>();
  for (const [field, values] of Object.entries({ data, stringData })) {
    if (!isObject(values)) return { problem: { path: field, message: 'want an object of strings' } };
    for (const [key, value] of Object.entries(values)) {
      const path = `${field}.${key}`;
      if (typeof value !== 'string') return { problem: { path, message: 'want a string' } };
      const bytes = Buffer.from(value, field === 'data' ? 'base64' : 'utf8');
      if (field === 'data' && bytes.toString('base64') !== value.replaceAll(/\s/g, ''))
        return { problem: { path, message: 'want base64 with padding' } };
      found.set(key, Uint8Array.from(bytes));
    }
  }
  return { data: found };
}

/** How a problem names another manifest. */
export const place = ({ file, document }: { readonly file: string; readonly document: number }): string =>
  `${quote(file, 200)} document ${document}`;
