import { celEnv, isCelError, parse, plan } from '@bufbuild/cel';
import type { CelInput } from '@bufbuild/cel';
import type { Rendered } from './helm.ts';

/*
 * ValidatingAdmissionPolicies as an API server applies them, over another implementation of CEL than Kubernetes'. It
 * knows what the chart's policies use. A real API server is held to the same cases by the end-to-end tests.
 */

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };
type Fields = { readonly [name: string]: Json };

export type Review = {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  /** With its subresource: pods/exec. */
  readonly resource: string;
  readonly group: string;
  readonly user: string;
  readonly object?: Json;
  readonly oldObject?: Json;
  readonly namespaceObject?: Json;
};

type Rule = { readonly apiGroups: string[]; readonly resources: string[]; readonly operations: string[] };
type Selector = { readonly matchExpressions: readonly { readonly key: string; readonly operator: 'Exists' }[] };
type Named = { readonly name: string; readonly expression: string };
export type Policy = Rendered & {
  readonly spec: {
    readonly failurePolicy: 'Fail';
    readonly matchConstraints: { readonly resourceRules: readonly Rule[]; readonly objectSelector?: Selector };
    readonly matchConditions?: readonly Named[];
    readonly variables?: readonly Named[];
    readonly validations: readonly { readonly message: string; readonly expression: string }[];
  };
};

/** Messages of the validations that refuse; empty where the policy has nothing against it, or is not about it. */
export function refusals(policy: Policy, review: Review): readonly string[] {
  const { spec } = policy;
  if (!isAbout(policy, review)) return [];
  const [group, resource, subResource] = [review.group, ...review.resource.split('/')];
  const bindings: Record<string, CelInput> = {
    object: toCel(review.object ?? null),
    oldObject: toCel(review.oldObject ?? null),
    namespaceObject: toCel(review.namespaceObject ?? null),
    request: toCel({
      operation: review.operation,
      userInfo: { username: review.user },
      resource: { group: group ?? '', version: 'v1', resource: resource ?? '' },
      ...(subResource !== undefined && { subResource }),
    }),
  };
  for (const { name, expression } of spec.matchConditions ?? [])
    if (!isTrue(evaluate(expression, bindings), name)) return [];
  const variables = new Map<string, CelInput>();
  bindings['variables'] = variables;
  for (const { name, expression } of spec.variables ?? []) {
    const value = evaluate(expression, bindings);
    // As in Kubernetes it fails only what uses it.
    if (!isCelError(value)) variables.set(name, value as CelInput);
  }
  return spec.validations.flatMap(({ message, expression }) => {
    const verdict = evaluate(expression, bindings);
    // failurePolicy: Fail.
    if (isCelError(verdict)) return [`${message} (${verdict.message})`];
    return verdict === true ? [] : [message];
  });
}

/** Whether a policy's rules and selector are about a request; its match conditions are CEL. */
export const isAbout = ({ spec: { matchConstraints } }: Policy, review: Review): boolean =>
  matchConstraints.resourceRules.some((rule) => isRuled(rule, review)) &&
  (matchConstraints.objectSelector === undefined || isSelected(matchConstraints.objectSelector, review));

const isRuled = (rule: Rule, { group, resource, operation }: Review): boolean =>
  (rule.apiGroups.includes('*') || rule.apiGroups.includes(group)) &&
  (rule.operations.includes('*') || rule.operations.includes(operation)) &&
  rule.resources.some(
    (one) =>
      one === resource ||
      (one === '*' && !resource.includes('/')) ||
      (one.endsWith('/*') && resource.startsWith(one.slice(0, -1))),
  );

const isSelected = ({ matchExpressions }: Selector, { object, oldObject }: Review): boolean =>
  [object, oldObject].some((each) => {
    const labels = ((each as Fields | undefined)?.['metadata'] as Fields | undefined)?.['labels'] as Fields | undefined;
    return matchExpressions.every(({ key }) => labels !== undefined && key in labels);
  });

const env = celEnv();
const plans = new Map<string, ReturnType<typeof plan>>();

function evaluate(expression: string, bindings: Readonly<Record<string, CelInput>>): unknown {
  let planned = plans.get(expression);
  if (planned === undefined) {
    planned = plan(env, parse(expression));
    plans.set(expression, planned);
  }
  return planned(bindings);
}

function isTrue(value: unknown, name: string): boolean {
  if (isCelError(value)) throw new Error(`${name}: ${value.message}`);
  return value === true;
}

/** JSON's whole numbers are CEL's int, as in an object that Kubernetes decoded. */
function toCel(value: Json): CelInput {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(toCel);
  if (typeof value === 'object' && value !== null)
    return new Map(Object.entries(value).map(([name, member]) => [name, toCel(member)]));
  return value;
}
