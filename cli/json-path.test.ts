import { expect, test } from 'vitest';
import { definitionOf } from '../operator/api/definition.ts';
import { kinds } from '../operator/api/resource.ts';
import { jsonPath } from './json-path.ts';

const object = {
  spec: { a: { b: 'deep' }, n: 0 },
  status: {
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'Valid', status: 'False' },
    ],
  },
};

test.each([
  ['.spec.a.b', 'deep'],
  ['.spec.n', 0],
  ['.status.conditions[?(@.type=="Valid")].status', 'False'],
  ['.status.conditions[?(@.type=="Other")].status', undefined],
  ['.spec.missing.b', undefined],
  ['.spec.a.b.c', undefined],
  ['.spec.constructor', undefined],
  ['.spec[?(@.type=="Valid")]', undefined],
])('%s finds what is there', (path, found) => {
  expect(jsonPath(path, object)).toEqual(found);
});

test.each(['spec', '.spec[0]', '.spec..a', '.spec.a[*]', ' .spec', '.status.conditions[?(@.n>1)]'])(
  '%s is refused rather than misread',
  (path) => {
    expect(() => jsonPath(path, object)).toThrow('no path that this version knows');
  },
);

test.each(kinds)('every column of %s has a path that is known', (kind) => {
  for (const column of definitionOf(kind).columns) expect(jsonPath(column.jsonPath, {})).toBeUndefined();
});
