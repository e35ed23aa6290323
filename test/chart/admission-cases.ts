import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { admissionObjects } from './admission-objects.ts';
import type { AdmissionObject } from './admission-objects.ts';
import type { Json, Review } from './admission-policy.ts';
import { withDefaults } from './api-defaults.ts';

export const groups = ['pods', 'objects', 'never', 'shares'] as const;

type Changes = Readonly<Record<string, Json>>;
type Written = {
  readonly name: string;
  readonly object: string;
  readonly operation?: Review['operation'];
  readonly resource?: string;
  readonly user?: string;
  readonly set?: Changes;
  readonly old?: Changes;
  /** Labels of the object's namespace. */
  readonly namespace?: Readonly<Record<string, string>>;
  readonly refused?: string;
  readonly server?: string;
};
export type AdmissionCase = {
  readonly name: string;
  /** As a policy sees it. */
  readonly review: Review;
  readonly refused: string | undefined;
  /** What an API server has against it before it asks any policy. */
  readonly server: string | undefined;
  /** As it is sent: without what a server fills in. */
  readonly sent: AdmissionObject;
  /** What is there before. */
  readonly old: Json;
};

/** The table of cases for an operator of this name. */
export function admissionCases(group: (typeof groups)[number], operator: string): readonly AdmissionCase[] {
  const table = parse(readFileSync(new URL('../cases/admission.yaml', import.meta.url), 'utf8')) as Record<
    string,
    readonly Written[]
  >;
  return (table[group] ?? []).map(
    ({ name, object, operation = 'CREATE', resource, user, set, old, namespace, refused, server }) => {
      const base = admissionObjects[object];
      if (base === undefined) throw new Error(`${name}: there is no object ${object}`);
      const sent = changed(base.object, set);
      const before = changed(base.object, old);
      const seen = base.resource === 'statefulsets' ? withDefaults : (json: Json): Json => json;
      const [group = ''] = /^.+(?=\/)/.exec(base.apiVersion) ?? [];
      return {
        name,
        refused,
        server,
        sent: { ...base, object: sent },
        old: before,
        review: {
          operation,
          group,
          resource: resource ?? base.resource,
          user: user ?? operator,
          ...(operation !== 'DELETE' && operation !== 'CONNECT' && { object: seen(sent) }),
          ...((operation === 'UPDATE' || operation === 'DELETE') && { oldObject: seen(before) }),
          namespaceObject: { metadata: { labels: namespace ?? { 'holdfast.dev/keeps': 'shares' } } },
        },
      };
    },
  );
}

/** A copy with values at paths like `spec.containers[0].image`; `~1` is a dot within a name, null removes. */
function changed(object: Json, changes: Changes = {}): Json {
  const copy = structuredClone(object);
  for (const [path, value] of Object.entries(changes)) {
    const steps = path
      .split(/[.[\]]+/)
      .filter((step) => step !== '')
      .map((step) => step.replaceAll('~1', '.'));
    let at = copy as Record<string, Json>;
    for (const step of steps.slice(0, -1)) at = (at[step] ??= {}) as Record<string, Json>;
    const last = steps.at(-1) ?? '';
    if (value === null && Array.isArray(at)) at.splice(Number(last), 1);
    else if (value === null) delete at[last];
    else at[last] = value;
  }
  return copy;
}
