import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { only, render } from './helm.ts';
import type { Rendered } from './helm.ts';

type Rule = {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
};
type Role = Rendered & { readonly rules: readonly Rule[] };
type Rights = Readonly<Record<string, readonly string[]>>;

const name = 'holdfast.custody';
let objects: readonly Rendered[];
let listed: readonly Rendered[];
beforeAll(() => {
  objects = render();
  listed = render({ set: ['operator.namespaces={payments,vault}'] });
});

/** Verbs by group/resource. */
function rights(rules: readonly Rule[]): Rights {
  const found = new Map<string, Set<string>>();
  for (const { apiGroups, resources, verbs } of rules)
    for (const group of apiGroups)
      for (const resource of resources) {
        const all = found.get(`${group}/${resource}`) ?? new Set();
        for (const verb of verbs) all.add(verb);
        found.set(`${group}/${resource}`, all);
      }
  return sorted([...found].map(([right, verbs]) => [right, [...verbs].sort()]));
}
const sorted = (entries: readonly (readonly [string, readonly string[]])[]): Rights =>
  Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));

const words = (cell: string): readonly string[] =>
  cell
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');

/** The tables of the page, by what stands in their head. */
const tables = readFileSync(new URL('../../docs/reference/rbac.md', import.meta.url), 'utf8')
  .split(/\n(?=\| group)/)
  .slice(1)
  .map((text) =>
    text
      .split('\n')
      .slice(2)
      .flatMap((line) => {
        const cells = /^\|(.*)\|(.*)\|(.*)\|(.*)\|$/
          .exec(line)
          ?.slice(1)
          .map((cell) => cell.trim());
        return cells === undefined ? [] : [cells];
      }),
  );

describe('rights of the operator', () => {
  it('are those of the table, each with a reason', () => {
    const rows = tables[0] ?? [];
    expect(
      sorted(
        rows.flatMap(([group, resources = '', verbs = '']) =>
          words(resources).map((r) => [`${group}/${r}`, words(verbs).toSorted()] as const),
        ),
      ),
    ).toEqual(rights(only<Role>(objects, 'ClusterRole', name).rules));
    for (const row of rows) expect(row[3]).not.toBe('');
  });

  it('touch no Secret, pod, namespace, role or policy, and have no wildcard', () => {
    const all = objects.filter(
      ({ kind, metadata }) => kind.endsWith('Role') && !metadata.name.startsWith('holdfast-'),
    ) as Role[];
    expect(all.map(({ kind }) => kind)).toEqual(['ClusterRole', 'Role']);
    for (const [right, verbs] of all.flatMap(({ rules }) => Object.entries(rights(rules)))) {
      expect(right).not.toMatch(/secrets|pods|namespaces|nodes|rbac|admissionregistration|token|exec|log|scale|\*/);
      for (const verb of verbs) expect(['get', 'list', 'watch', 'create', 'patch', 'update', 'delete']).toContain(verb);
      if (verbs.includes('delete')) expect(['holdfast.dev/signers', 'holdfast.dev/signingrequests']).toContain(right);
    }
  });

  it('are given in the listed namespaces alone', () => {
    expect(listed.filter(({ kind, metadata }) => kind.startsWith('ClusterRole') && metadata.name === name)).toEqual([]);
    const given = listed.filter(({ metadata }) => metadata.name === name);
    expect(given.map(({ kind, metadata }) => `${kind} ${metadata.namespace}`)).toEqual([
      'Role payments',
      'Role vault',
      'RoleBinding payments',
      'RoleBinding vault',
    ]);
    for (const role of given.filter(({ kind }) => kind === 'Role') as Role[])
      expect(role.rules).toEqual(only<Role>(objects, 'ClusterRole', name).rules);
  });

  it('in namespaces of other operators are to read Wallets and Signers', () => {
    const others = [
      'operator.others[0].namespaces={acme}',
      'operator.others[0].pods.namespace=acme-operator',
      'operator.others[1].namespaces={bank}',
      'operator.others[1].pods.namespace=bank-operator',
    ];
    const given = render({ set: ['operator.namespaces={payments}', ...others] }).filter(
      ({ metadata }) => metadata.namespace === 'acme' || metadata.namespace === 'bank',
    );
    expect(given.map(({ kind, metadata }) => `${metadata.namespace} ${kind} ${metadata.name}`).toSorted()).toEqual(
      ['acme', 'bank'].flatMap((namespace) =>
        ['Role', 'RoleBinding'].map((kind) => `${namespace} ${kind} ${name}.reads`),
      ),
    );
    const [row] = tables[1] ?? [];
    const read = Object.fromEntries(
      words(row?.[1] ?? '').map((each) => [`holdfast.dev/${each}`, words(row?.[2] ?? '')]),
    );
    for (const role of given.filter(({ kind }) => kind === 'Role') as Role[])
      expect(rights(role.rules)).toEqual(sorted(Object.entries(read)));
    expect(() => render({ set: others })).toThrow('operator.others: an operator that works for all namespaces');
  });

  it('over Leases are to one by name', () => {
    const { rules, metadata } = only<Role>(objects, 'Role', 'holdfast');
    expect(metadata.namespace).toBe('custody');
    expect(rules.map(({ resources, verbs, resourceNames }) => [resources, verbs, resourceNames])).toEqual([
      [['leases'], ['create'], undefined],
      [['leases'], ['get', 'update'], ['holdfast']],
      [['events'], ['create', 'patch'], undefined],
    ]);
    expect(tables[2]?.map((row) => row[2])).toEqual(['create', 'get, update', 'create, patch']);
  });

  it('go to the ServiceAccount of the operator', () => {
    for (const binding of [...objects, ...listed].filter(
      ({ kind }) => kind.endsWith('Binding') && !kind.startsWith('Val'),
    ))
      expect((binding as Rendered & { readonly subjects: unknown }).subjects).toEqual([
        { kind: 'ServiceAccount', name: 'holdfast', namespace: 'custody' },
      ]);
  });
});

describe('roles for people', () => {
  const role = (which: string) => only<Role>(objects, 'ClusterRole', `holdfast-${which}`);
  const verbsOn = (which: string, resource: string) => rights(role(which).rules)[`holdfast.dev/${resource}`];
  const read = ['get', 'list', 'watch'];

  it('let each write what is theirs, and read the rest', () => {
    expect(verbsOn('viewer', 'wallets')).toEqual(read);
    expect(verbsOn('requester', 'signingrequests')).toEqual(['create', 'delete', ...read].sort());
    expect(verbsOn('requester', 'approvals')).toEqual(read);
    expect(verbsOn('approver', 'approvals')).toEqual(['create', 'delete', ...read].sort());
    expect(verbsOn('approver', 'signingrequests')).toEqual(read);
    expect(verbsOn('admin', 'signingpolicies')).toEqual(['create', 'delete', 'patch', 'update', ...read].sort());
    for (const which of ['viewer', 'requester', 'approver', 'admin'])
      expect(Object.keys(rights(role(which).rules)).filter((right) => right.includes('status'))).toEqual([]);
  });

  it('are part of the built-in roles where that is usual, and only where it is asked for', () => {
    const parts = (rendered: readonly Rendered[]) =>
      rendered.flatMap(({ metadata }) =>
        Object.keys(metadata.labels ?? {}).flatMap((label) => /aggregate-to-(.*)$/.exec(label)?.[1] ?? []),
      );
    expect(parts(objects).toSorted()).toEqual(['admin', 'view']);
    expect(parts(render({ set: ['rbac.aggregate=false'] }))).toEqual([]);
  });
});
