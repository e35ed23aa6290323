import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { caseFiles, loadCases, mergePatch } from '../../test/cases/load.ts';
import type { Json } from '../../test/cases/load.ts';
import { isObject } from './check-schema.ts';
import { patternWords } from './pattern-words.ts';
import { kinds } from './resource.ts';
import type { Kind } from './resource.ts';
import { isTransition, rules } from './rules.ts';
import { schemaOf } from './schema.ts';
import type { CelRule, Schema } from './schema.ts';
import { validate } from './validate.ts';

const cases = caseFiles.flatMap((file) => loadCases(file));

describe.each(caseFiles)('%s', (file) => {
  test.each(loadCases(file))('$operation: $name', ({ object, old, refused }) => {
    if (old !== undefined) expect(validate(old)).toEqual([]);
    const problems = validate(object, old);
    if (!refused) {
      expect(problems).toEqual([]);
      return;
    }
    const { path, rule, message = '' } = refused;
    expect(problems).toContainEqual({ path, message: rule ?? expect.stringContaining(message) });
  });
});

type Place = { readonly kind: Kind; readonly path: string; readonly rule: CelRule };

/** Every rule with where it stands: `[]` for each entry of a list. */
function places(kind: Kind, schema: Schema, path = ''): readonly Place[] {
  return [
    ...(schema['x-kubernetes-validations'] ?? []).map((rule) => ({ kind, path, rule })),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, member]) =>
      places(kind, member, path ? `${path}.${name}` : name),
    ),
    ...(schema.items ? places(kind, schema.items, `${path}[]`) : []),
    ...(schema.additionalProperties ? places(kind, schema.additionalProperties, `${path}{}`) : []),
  ];
}

const allPlaces = kinds.flatMap((kind) => places(kind, schemaOf(kind)));

/** Whether an object has something at a place. */
function reaches(object: unknown, path: string): boolean {
  const steps = path.split(/\.|(?=\[\])/).filter((step) => step !== '');
  return (
    steps.reduce(
      (found: unknown[], step) => {
        if (step === '[]') return found.flat();
        return found.flatMap((each) => (isObject(each) && each[step] !== undefined ? [each[step]] : []));
      },
      [object],
    ).length > 0
  );
}

test.each(allPlaces)(
  'the table has $kind $path taken and refused by the rule "$rule.message"',
  ({ kind, path, rule }) => {
    const of = cases.filter(({ object }) => isObject(object) && object['kind'] === kind);
    const judged = isTransition(rule.rule) ? of.filter(({ old }) => reaches(old, path)) : of;
    expect(judged.filter(({ object, refused }) => !refused && reaches(object, path))).not.toEqual([]);
    expect(
      judged.filter(
        ({ refused }) =>
          refused?.rule === rule.message &&
          refused.path.replaceAll(/\[\d+\]/g, '[]') === `${path}${rule.fieldPath ?? ''}`,
      ),
    ).not.toEqual([]);
  },
);

test('every rule of the CRDs has a verdict, and no verdict is left over', () => {
  expect(new Set(rules.map(({ cel }) => cel))).toEqual(new Set(allPlaces.map(({ rule }) => rule.rule)));
});

test('no rule below a list compares with the past, where an entry has no fixed counterpart', () => {
  expect(allPlaces.filter(({ path, rule }) => path.includes('[]') && isTransition(rule.rule))).toEqual([]);
});

function schemas(schema: Schema): readonly Schema[] {
  const below = [
    ...Object.values(schema.properties ?? {}),
    schema.items,
    schema.additionalProperties,
    ...(schema.anyOf ?? []),
  ];
  return [schema, ...below.flatMap((each) => (each ? schemas(each) : []))];
}

const allSchemas = kinds.flatMap((kind) => schemas(schemaOf(kind)));

test('the schemas use no keyword that is not interpreted', () => {
  const known = new Set(
    [
      'description type format required properties additionalProperties maxProperties items minItems maxItems minLength maxLength',
      'minimum maximum pattern enum anyOf x-kubernetes-list-type x-kubernetes-list-map-keys x-kubernetes-int-or-string',
      'x-kubernetes-preserve-unknown-fields x-kubernetes-validations',
    ]
      .join(' ')
      .split(' '),
  );
  expect(allSchemas.flatMap((schema) => Object.keys(schema)).filter((keyword) => !known.has(keyword))).toEqual([]);
});

test('every pattern has words for a person', () => {
  const patterns = new Set(allSchemas.flatMap(({ pattern }) => (pattern === undefined ? [] : [pattern])));
  expect(new Set(Object.keys(patternWords))).toEqual(patterns);
});

test('every list, string and map of a spec or status is bounded, and every field described', () => {
  const open: string[] = [];
  const walk = (schema: Schema, path: string, entry: boolean): void => {
    if (!entry && !schema.description) open.push(`${path}: no description`);
    if (schema.type === 'array' && (schema.maxItems === undefined || !schema['x-kubernetes-list-type']))
      open.push(`${path}: list`);
    if (schema.type === 'string' && schema.maxLength === undefined && !schema.enum) open.push(`${path}: string`);
    if (schema.additionalProperties && schema.maxProperties === undefined) open.push(`${path}: map`);
    for (const [name, member] of Object.entries(schema.properties ?? {})) walk(member, `${path}.${name}`, false);
    if (schema.items) walk(schema.items, `${path}[]`, true);
    if (schema.additionalProperties) walk(schema.additionalProperties, `${path}{}`, true);
  };
  for (const kind of kinds)
    for (const part of ['spec', 'status']) walk(schemaOf(kind).properties?.[part] ?? {}, `${kind}.${part}`, false);
  expect(open).toEqual([]);
});

test('conditions of every kind have one schema', () => {
  const shapes = kinds.map((kind) => {
    const { description: _, ...shape } = schemaOf(kind).properties?.['status']?.properties?.['conditions'] ?? {};
    return shape;
  });
  for (const shape of shapes) expect(shape).toEqual(shapes[0]);
});

const bases = caseFiles.map(
  (file): Json => parse(readFileSync(new URL(`../../test/cases/${file}.yaml`, import.meta.url), 'utf8')).base,
);

test('an object of another group or kind is named as such', () => {
  expect(validate('treasury')[0]?.message).toMatch(/want an object/);
  expect(validate({ apiVersion: 'v1', kind: 'Pod' })).toEqual([
    { path: 'apiVersion', message: 'want holdfast.dev/v1alpha1, got "v1"' },
  ]);
  expect(validate({ apiVersion: 'holdfast.dev/v1alpha1', kind: 'wallet' })[0]?.message).toMatch(
    /did you mean Wallet\?$/,
  );
});

test('an empty field is a problem, because nobody can say what was meant', () => {
  const wallet = { ...(isObject(bases[0]) ? bases[0] : {}) };
  expect(validate({ ...wallet, spec: { ...(isObject(wallet['spec']) ? wallet['spec'] : {}), access: null } })).toEqual([
    { path: 'spec.access', message: 'is empty: give it a value or remove it' },
  ]);
});

test('names of JavaScript objects are unknown fields like any other', () => {
  const object = JSON.parse(
    JSON.stringify(bases[0]).replace('"threshold"', '"__proto__":{"a":1},"constructor":1,"threshold"'),
  );
  expect(validate(object).map(({ path }) => path)).toEqual(['spec.__proto__', 'spec.constructor']);
});

test('status is judged by its schema too', () => {
  const object = mergePatch(bases[0], { status: { genesis: 'sha256:00' } });
  expect(validate(object)).toEqual([
    { path: 'status.genesis', message: 'want sha256: and 64 lowercase hex digits, got "sha256:00"' },
  ]);
});

/** Any value put at any place of a valid object. */
const mutated = fc
  .tuple(fc.constantFrom(...bases), fc.array(fc.nat(20), { maxLength: 6 }), fc.jsonValue({ maxDepth: 2 }))
  .map(([base, steps, value]) => {
    const object = structuredClone(base);
    let at: unknown = object;
    for (const [i, step] of steps.entries()) {
      if (typeof at !== 'object' || at === null) break;
      const names = Object.keys(at);
      const name = names[step % Math.max(1, names.length)];
      if (name === undefined) break;
      if (i === steps.length - 1) Object.assign(at, { [name]: value });
      else at = Reflect.get(at, name);
    }
    return object;
  });

test('whatever is given, validate answers with problems and never throws', () => {
  fc.assert(
    fc.property(mutated, mutated, (object, old) => {
      for (const { path, message } of validate(object, old))
        expect(`${path}: ${message}`).not.toMatch(/undefined|\[object/);
    }),
  );
});
