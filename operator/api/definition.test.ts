import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { definitionOf } from './definition.ts';
import { isKind } from './resource.ts';

const crds = new URL('../../crds/', import.meta.url);

test.each(readdirSync(crds))('names and columns are those of %s as a whole', (file) => {
  const { spec } = parse(readFileSync(new URL(file, crds), 'utf8')) as {
    spec: { names: { kind: string }; versions: [{ additionalPrinterColumns: unknown }] };
  };
  const { kind } = spec.names;
  if (!isKind(kind)) throw new Error(`no kind of ours: ${kind}`);
  expect(definitionOf(kind)).toEqual({ names: spec.names, columns: spec.versions[0].additionalPrinterColumns });
});
