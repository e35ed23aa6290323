import { beforeAll, describe, expect, it } from 'vitest';
import { admissionCases, groups } from './admission-cases.ts';
import { refusals } from './admission-policy.ts';
import type { Policy } from './admission-policy.ts';
import { operator, policiesOf, policyObjects } from './admission-policies.ts';
import { only } from './helm.ts';
import type { Rendered } from './helm.ts';

const spec = (object: Rendered): Policy['spec'] => (object as Policy).spec ?? {};

let policies: Readonly<Record<string, readonly Policy[]>>;
let objects: readonly Rendered[];
let words: readonly string[];
beforeAll(() => {
  objects = policyObjects();
  words = objects.flatMap((object) =>
    ('validations' in spec(object) ? spec(object).validations : []).map(({ message }) => message),
  );
  policies = Object.fromEntries(groups.map((group) => [group, policiesOf(group)]));
});

const verdict = (group: string, review: Parameters<typeof refusals>[1]): readonly string[] =>
  (policies[group] ?? []).flatMap((policy) => refusals(policy, review));

describe.each(groups)('admission of %s', (group) => {
  it.each(admissionCases(group, operator))('$name', ({ review, refused }) => {
    const messages = verdict(group, review);
    if (refused === undefined) expect(messages).toEqual([]);
    else expect(messages).toContainEqual(expect.stringContaining(refused));
    // What cannot be decided is refused as well, but no case is meant to show that.
    for (const message of messages) expect(words).toContain(message);
  });
});

describe('admission policies', () => {
  it('of the operator let through what the operator writes, all of them together', () => {
    for (const group of ['pods', 'objects'] as const)
      for (const { review, refused } of admissionCases(group, operator))
        if (refused === undefined)
          for (const one of ['pods', 'objects', 'never']) expect(verdict(one, review)).toEqual([]);
  });

  it('fail closed, and each has a binding that denies', () => {
    const all = objects.filter(({ kind }) => kind === 'ValidatingAdmissionPolicy') as Policy[];
    expect(all.length).toBe(6);
    for (const { metadata, spec } of all) {
      expect(spec.failurePolicy).toBe('Fail');
      const binding = only<{ spec: object }>(objects, 'ValidatingAdmissionPolicyBinding', metadata.name);
      expect(binding.spec).toEqual({ policyName: metadata.name, validationActions: ['Deny'] });
    }
  });

  it('that keep shares stay when the release goes, as the shares do', () => {
    const kept = objects.filter(
      ({ kind, metadata }) =>
        kind.startsWith('Validating') && metadata.annotations?.['helm.sh/resource-policy'] === 'keep',
    );
    expect(kept.map(({ metadata }) => metadata.name).toSorted()).toEqual(
      ['keep-shares', 'keep-shares', 'keep-wallets', 'keep-wallets'].map((name) => `holdfast.${name}`),
    );
  });

  it('each validation refuses some case of its own', () => {
    for (const group of groups) {
      const refusing = admissionCases(group, operator).map(({ review }) => verdict(group, review));
      for (const { message } of (policies[group] ?? []).flatMap(({ spec }) => spec.validations))
        expect(
          refusing.some((messages) => messages.length === 1 && messages[0]?.startsWith(message)),
          message,
        ).toBe(true);
    }
  });
});
