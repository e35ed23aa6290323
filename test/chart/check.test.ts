import { expect, it } from 'vitest';
import { operatorLabels } from '../../cli/check/cluster-facts.ts';
import { policiesOf } from '../../cli/check/cluster.ts';
import { render } from './helm.ts';

/* `holdfast check` looks for what the chart installs. */

const objects = render();
const named = (kind: string): readonly string[] =>
  objects.filter((object) => object.kind === kind).map(({ metadata }) => metadata.name);

it('finds the operator by its labels, and the Lease by its name', () => {
  const [deployment, ...others] = objects.filter(({ kind }) => kind === 'Deployment');
  expect(others).toEqual([]);
  expect(deployment?.metadata.labels).toMatchObject(operatorLabels);
  expect(JSON.stringify(deployment)).toContain(`"--lease","${deployment?.metadata.name}"`);
});

it('knows each admission policy by name', () => {
  const operators = objects
    .filter(({ kind }) => kind === 'Deployment')
    .map(({ metadata: { namespace = '', name } }) => ({ namespace, name, labels: {} }));
  const wanted = policiesOf(operators).toSorted();
  expect(named('ValidatingAdmissionPolicy').toSorted()).toEqual(wanted);
  const bindings = objects.filter(({ kind }) => kind === 'ValidatingAdmissionPolicyBinding') as unknown as readonly {
    readonly spec: { readonly policyName: string; readonly validationActions: readonly string[] };
  }[];
  expect(bindings.map(({ spec }) => spec.policyName).toSorted()).toEqual(wanted);
  for (const { spec } of bindings) expect(spec.validationActions).toContain('Deny');
});

it('reads the version from the kinds', () => {
  const kinds = objects.filter(({ kind }) => kind === 'CustomResourceDefinition');
  expect(kinds).toHaveLength(5);
  for (const { metadata } of kinds) expect(metadata.labels).toHaveProperty(['app.kubernetes.io/version']);
});
