import type { groups } from './admission-cases.ts';
import type { Policy } from './admission-policy.ts';
import { only, render } from './helm.ts';
import type { Rendered } from './helm.ts';

/** The operator whom the cases are about. */
export const operator = 'system:serviceaccount:custody:holdfast';

/** The chart with values that allow what the objects of the cases have. */
export const policyObjects = (): readonly Rendered[] =>
  render({
    values: ['everything'],
    set: [
      'operator.serviceAccount.create=true',
      'operator.serviceAccount.name=holdfast',
      'operator.namespaces=null,operator.others=null',
    ],
  });

const names = {
  pods: ['holdfast.custody.operator-workloads'],
  objects: ['holdfast.custody.operator-objects'],
  never: ['holdfast.custody.operator-never'],
  shares: ['holdfast.keep-shares', 'holdfast.keep-wallets', 'holdfast.marked-namespaces'],
} as const satisfies Readonly<Record<(typeof groups)[number], readonly string[]>>;

/** The policies that a group of cases is about. */
export const policiesOf = (group: (typeof groups)[number]): readonly Policy[] =>
  names[group].map((name) => only<Policy>(policyObjects(), 'ValidatingAdmissionPolicy', name));
