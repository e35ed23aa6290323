import { isDeepStrictEqual } from 'node:util';
import { formatTime } from '../../common/clock.ts';
import { isObject } from '../api/check-schema.ts';
import { keyOf, keyString } from '../api/resource.ts';
import type { Draft, Key, Kind, Metadata, Resource } from '../api/resource.ts';
import { validate } from '../api/validate.ts';
import { place } from './manifest.ts';
import type { Manifest, ManifestProblem, Reading } from './manifest.ts';

/**
 * An object as the store keeps it. A user wrote it in `file`, or the operator made it where that is absent. One that is
 * `gone` since then (milliseconds) is only remembered, so that what cannot change stays so if its name comes back.
 */
export type Stored = { readonly resource: Resource; readonly file?: string; readonly gone?: number };

/** What a store makes up for an object when it first sees it. */
export type Birth = { readonly now: number; readonly uid: () => string };

export type Decision = {
  /** Objects that are new or changed, and those that are gone but remembered. */
  readonly put: readonly Stored[];
  /** Objects of which nothing remains. */
  readonly drop: readonly Key[];
  /** Objects whose manifest was not found: gone if it is not found again. */
  readonly missing: ReadonlySet<string>;
  /** Objects that a manifest names, valid or not. */
  readonly named: ReadonlySet<string>;
  readonly problems: readonly ManifestProblem[];
};

/** Kinds whose controllers have something to end before an object goes: on Kubernetes they have a finalizer. */
const finalized: readonly Kind[] = ['Wallet', 'Signer'];

/** As long as a signer can hold a request to its first bytes: 30 days until it expires at the latest, and 31 after that. */
const rememberRequestMs = 62 * 24 * 3_600_000;

/**
 * What the manifests change about the objects in force. A manifest that cannot be used changes nothing: what it said
 * last stays, and so does all that its file had said. An object is gone once its manifest was `missing` already
 * the last time, because a folder is not read in one moment and editors replace files.
 */
export function decide(
  stored: ReadonlyMap<string, Stored>,
  { readings, partial }: { readonly readings: readonly Reading[]; readonly partial: boolean },
  missing: ReadonlySet<string>,
  birth: Birth,
): Decision {
  const named = Map.groupBy(
    readings.flatMap(({ manifests }) => manifests),
    ({ key }) => keyString(key),
  );
  const verdicts = [...named].map(([name, manifests]) => judge(stored.get(name), manifests, birth));
  const problems = [
    ...readings.flatMap((reading) => reading.problems),
    ...verdicts.flatMap((verdict) => verdict.problems),
  ];
  const unclear = new Set([...readings.filter((reading) => reading.unclear), ...problems].map(({ file }) => file));
  const absent = [...stored].filter(
    ([name, { resource, file, gone }]) =>
      !partial &&
      gone === undefined &&
      resource.metadata.deletionTimestamp === undefined &&
      file !== undefined &&
      !named.has(name) &&
      !unclear.has(file),
  );
  const ended = absent
    .filter(([name]) => missing.has(name))
    .map(([, object]) => ({ object, left: deleted(object, birth.now) }));
  const forgotten = [...stored].filter(([name, object]) => !named.has(name) && isForgotten(object, birth.now));
  return {
    put: [...verdicts.flatMap(({ put }) => put), ...ended.flatMap(({ left }) => left ?? [])],
    drop: [
      ...ended.filter(({ left }) => left === undefined).map(({ object }) => object),
      ...forgotten.map(([, object]) => object),
    ].map(({ resource }) => keyOf<Kind>(resource)),
    missing: new Set(absent.map(([name]) => name).filter((name) => !missing.has(name))),
    named: new Set(named.keys()),
    problems,
  };
}

/** All manifests of one object: one is in force if it is valid, several contradict each other. */
function judge(
  before: Stored | undefined,
  manifests: readonly Manifest[],
  birth: Birth,
): Pick<Decision, 'put' | 'problems'> {
  const [manifest, ...others] = manifests;
  if (!manifest) return { put: [], problems: [] };
  if (others.length > 0)
    return {
      put: [],
      problems: manifests.map((each) => ({
        file: each.file,
        document: each.document,
        path: 'metadata.name',
        key: each.key,
        message: `${keyString(each.key)} is also in ${place(manifests.find((other) => other !== each) ?? each)}: keep one of them`,
      })),
    };

  const { key, file, document, object } = manifest;
  const own = validate(object);
  const problems = own.length > 0 || !before ? own : validate(object, before.resource).map(held(before));
  if (problems.length > 0)
    return { put: [], problems: problems.map((problem) => ({ file, document, key, ...problem })) };
  const current = before?.gone === undefined ? before?.resource : undefined;
  const resource = admit(object as Draft, current, birth);
  return { put: resource === current && before?.file === file ? [] : [{ resource, file }], problems: [] };
}

/** Says of a field that cannot change what it has to be, and why an object that is gone still counts. */
const held =
  ({ resource, gone }: Stored) =>
  ({
    path,
    message,
  }: {
    readonly path: string;
    readonly message: string;
  }): { readonly path: string; readonly message: string } => {
    const value: unknown = path
      .split('.')
      .reduce<unknown>((at, step) => (isObject(at) ? at[step] : undefined), resource);
    const text = inWords(value);
    const tense = gone === undefined ? ['is', 'are'] : ['was', 'were'];
    const what = Array.isArray(value) ? `the ${path.split('.').at(-1)} ${tense[1]}` : `it ${tense[0]}`;
    const was = path === 'spec' || text === '' ? '' : `; ${what} ${text}`;
    const past =
      gone === undefined
        ? isUnfounded(resource)
          ? '; nothing was founded yet: delete the manifest, then write it anew'
          : ''
        : `; ${keyString(keyOf(resource))} was deleted${resource.kind === 'Wallet' ? ', but its signers keep its keys' : ''}: a new one needs another name`;
    return { path, message: `${message}${was}${past}` };
  };

/** A value on one line: of named entries the names with what they are; "" where it is too long to help. */
function inWords(value: unknown): string {
  const entries: readonly unknown[] = Array.isArray(value) ? value : [];
  const named = entries.map((entry) => {
    const { name, ...rest } = isObject(entry) ? entry : {};
    const kind = rest['scheme'] ?? rest['role'];
    return typeof name === 'string' && typeof kind === 'string' ? `${name} (${kind})` : '';
  });
  const text = named.length > 0 && !named.includes('') ? named.join(', ') : (JSON.stringify(value) ?? '');
  return text.length > 200 ? '' : text;
}

/** A wallet of which nothing is known to be at signers. */
const isUnfounded = ({ kind, status }: Resource): boolean =>
  kind === 'Wallet' && (status === undefined || !('genesis' in status));

/** The draft as an object in force: `before` itself where nothing changes. The generation counts changes of the spec. */
export function admit(draft: Draft, before: Resource | undefined, birth: Birth, deletionTimestamp?: string): Resource {
  const changed = !isDeepStrictEqual(draft.spec, before?.spec);
  const { name, namespace, labels, annotations, ownerReferences } = draft.metadata;
  const metadata: Metadata = {
    name,
    namespace,
    uid: before?.metadata.uid ?? birth.uid(),
    generation: (before?.metadata.generation ?? 0) + (changed ? 1 : 0),
    creationTimestamp: before?.metadata.creationTimestamp ?? formatTime(birth.now),
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    ...(labels ? { labels } : {}),
    ...(annotations ? { annotations } : {}),
    ...(ownerReferences ? { ownerReferences } : {}),
  };
  if (before && !changed && isDeepStrictEqual(metadata, before.metadata)) return before;
  const { apiVersion, kind, spec } = draft;
  // TypeScript does not see that kind, spec and status are of one Resource.
  return { apiVersion, kind, metadata, spec, ...(before?.status ? { status: before.status } : {}) } as Resource;
}

/** An object whose deletion was asked for: it waits for its controller, or is gone. */
export function deleted(object: Stored, now: number): Stored | undefined {
  const { resource } = object;
  if (!finalized.includes(resource.kind) || resource.metadata.deletionTimestamp !== undefined)
    return letGo(object, now);
  return {
    ...object,
    resource: { ...resource, metadata: { ...resource.metadata, deletionTimestamp: formatTime(now) } } as Resource,
  };
}

/** What is remembered of an object that goes: what its user may not write otherwise under its name. */
function letGo({ resource, file }: Stored, now: number): Stored | undefined {
  const { apiVersion, kind, metadata, spec } = resource;
  if (file === undefined || kind === 'SigningPolicy') return undefined;
  // A wallet that was never founded left nothing at signers: it may be written anew in any way.
  if (isUnfounded(resource)) return undefined;
  return { resource: { apiVersion, kind, metadata, spec } as Resource, file, gone: now };
}

const isForgotten = ({ resource, gone }: Stored, now: number): boolean =>
  gone !== undefined &&
  (resource.kind === 'SigningRequest' || resource.kind === 'Approval') &&
  now - gone > rememberRequestMs;
