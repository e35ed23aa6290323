import { isDeepStrictEqual } from 'node:util';
import { isRecord } from '../kube-error.ts';

export type Fields = Readonly<Record<string, unknown>>;
/** Who writes: a manager owns by apply and by other writes apart, and on each subresource apart. */
export type Manager = {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly subresource: string;
};
/** Paths as JSON, so that they are in sets by value. */
type Owner = Manager & { readonly paths: ReadonlySet<string> };

/**
 * Server-side apply as `metadata.managedFields` records it, but for lists: each is one value, as if it were atomic.
 * The object as `config` makes it, or the fields that others own and that would change without `force`.
 */
export function applied(
  live: Fields,
  config: Fields,
  { force, ...who }: Manager & { readonly force: boolean },
): { readonly object: Fields } | { readonly conflicts: readonly string[] } {
  const owners = ownersOf(live);
  const own = owners.find((owner) => isSame(owner, who))?.paths ?? new Set<string>();
  const others = owners.filter((owner) => !isSame(owner, who));
  const isOthers = (path: string): boolean => others.some(({ paths }) => paths.has(path));
  const given = leavesOf(config);
  const before = leavesOf(live);
  const contested = [...given].flatMap(([path, value]) =>
    isOthers(path) && !isDeepStrictEqual(value, before.get(path)) ? [path] : [],
  );
  if (contested.length > 0 && !force) return { conflicts: contested };
  const dropped = [...own].filter((path) => !given.has(path) && !isOthers(path));
  const object = dropped.reduce((left, path) => without(left, stepsOf(path)), merged(live, config));
  return {
    object: withOwners(object, [
      ...others.map((owner) => ({ ...owner, paths: keep(owner.paths, (path) => !contested.includes(path)) })),
      { ...who, paths: new Set(given.keys()) },
    ]),
  };
}

/** The object `next`, in which `who` owns what differs from `live`. */
export function updated(live: Fields, next: Fields, who: Manager): Fields {
  const before = leavesOf(live);
  const after = leavesOf(next);
  const changed = new Set(
    [...after].flatMap(([path, value]) => (isDeepStrictEqual(value, before.get(path)) ? [] : [path])),
  );
  const there = new Set(after.keys());
  const owners = ownersOf(live);
  const own = owners.find((owner) => isSame(owner, who))?.paths ?? new Set<string>();
  return withOwners(next, [
    ...owners
      .filter((owner) => !isSame(owner, who))
      .map((owner) => ({ ...owner, paths: keep(owner.paths, (path) => there.has(path) && !changed.has(path)) })),
    { ...who, paths: keep(new Set([...own, ...changed]), (path) => there.has(path)) },
  ]);
}

const keep = (paths: ReadonlySet<string>, holds: (path: string) => boolean): ReadonlySet<string> =>
  new Set([...paths].filter(holds));

const nameOf = ({ manager, operation, subresource }: Manager): string => [manager, operation, subresource].join(' ');
const isSame = (a: Manager, b: Manager): boolean => nameOf(a) === nameOf(b);

/** What of an object has owners, by path: its identity and what the server sets have none. */
function leavesOf(object: Fields): ReadonlyMap<string, unknown> {
  const { apiVersion: _, kind: __, metadata, ...rest } = object;
  const { labels, annotations, ownerReferences, finalizers } = isRecord(metadata) ? metadata : {};
  const own = Object.entries({ labels, annotations, ownerReferences, finalizers });
  const leaves = new Map<string, unknown>();
  const walk = (steps: readonly string[], value: unknown): void => {
    if (!isRecord(value)) leaves.set(JSON.stringify(steps), value);
    else for (const [step, below] of Object.entries(value)) walk([...steps, step], below);
  };
  walk([], { metadata: Object.fromEntries(own.filter(([, value]) => value !== undefined)), ...rest });
  return leaves;
}

const stepsOf = (path: string): readonly string[] => JSON.parse(path) as readonly string[];

/** RFC 7396. */
export function merged(held: Fields, patch: Fields): Fields {
  const next: Record<string, unknown> = { ...held };
  for (const [field, value] of Object.entries(patch))
    if (value === null) delete next[field];
    else if (isRecord(value)) {
      const below = next[field];
      next[field] = merged(isRecord(below) ? below : {}, value);
    } else next[field] = value;
  return next;
}

/** Without what is at a path, and without what is empty then. */
function without(object: Fields, [step = '', ...below]: readonly string[]): Fields {
  const { [step]: value, ...rest } = object;
  if (below.length === 0 || !isRecord(value)) return rest;
  const left = without(value, below);
  return Object.keys(left).length === 0 ? rest : { ...rest, [step]: left };
}

type Entry = Omit<Manager, 'subresource'> & { readonly subresource?: string; readonly fieldsV1: Fields };

function ownersOf({ metadata }: Fields): readonly Owner[] {
  const entries: unknown = isRecord(metadata) ? metadata['managedFields'] : undefined;
  return (Array.isArray(entries) ? (entries as readonly Entry[]) : []).map(
    ({ manager, operation, subresource = '', fieldsV1 }) => ({
      manager,
      operation,
      subresource,
      paths: new Set(pathsOf(fieldsV1).map((steps) => JSON.stringify(steps))),
    }),
  );
}

function withOwners(object: Fields, owners: readonly Owner[]): Fields {
  const { metadata } = object;
  const managedFields = owners
    .filter(({ paths }) => paths.size > 0)
    .toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
    .map(({ manager, operation, subresource, paths }) => ({
      manager,
      operation,
      fieldsType: 'FieldsV1',
      fieldsV1: [...paths].map((path) => fieldsV1(stepsOf(path))).reduce(merged, {}),
      ...(subresource === '' ? {} : { subresource }),
    }));
  return { ...object, metadata: { ...(isRecord(metadata) ? metadata : {}), managedFields } };
}

const fieldsV1 = ([step, ...below]: readonly string[]): Fields =>
  step === undefined ? {} : { [`f:${step}`]: fieldsV1(below) };

const pathsOf = (fields: Fields): readonly (readonly string[])[] =>
  Object.entries(fields).flatMap(([field, below]): readonly (readonly string[])[] => {
    const step = field.slice(2);
    const paths = isRecord(below) ? pathsOf(below) : [];
    return paths.length === 0 ? [[step]] : paths.map((path) => [step, ...path]);
  });
