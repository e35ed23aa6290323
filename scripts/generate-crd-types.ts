/** Writes operator/api/generated.ts from crds/*.yaml; with --check it only compares, and fails where they differ. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { compile } from 'json-schema-to-typescript';
import { parse } from 'yaml';

type Schema = { [keyword: string]: unknown; properties?: Record<string, Schema>; items?: Schema };
type Definition = {
  spec: { names: { kind: string }; versions: { schema: { openAPIV3Schema: Schema } }[] };
};

const root = new URL('../', import.meta.url);
const target = new URL('operator/api/generated.ts', root);
const files = readdirSync(new URL('crds/', root))
  .filter((file) => file.endsWith('.yaml'))
  .sort();

/** Every kind has the same conditions: one type, not five. */
function shareConditions(status: Schema): Schema {
  const { conditions, ...properties } = status.properties ?? {};
  return { ...status, properties: { conditions: { ...conditions, items: { tsType: 'Condition' } }, ...properties } };
}

/** Fields that only Kubernetes checks stay open. */
const openUp = (_key: unknown, value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'x-kubernetes-preserve-unknown-fields' in value
    ? { ...value, additionalProperties: true }
    : value;

const types = (schema: Schema, name: string): Promise<string> =>
  compile(schema, name, {
    additionalProperties: false,
    bannerComment: '',
    ignoreMinAndMaxItems: true,
    unknownAny: true,
    style: { singleQuote: true, printWidth: 120 },
  });

const parts: string[] = [];
for (const file of files) {
  const { spec: crd }: Definition = parse(readFileSync(new URL(`crds/${file}`, root), 'utf8'), openUp);
  const { spec, status } = crd.versions[0]?.schema.openAPIV3Schema.properties ?? {};
  if (!spec || !status) throw new Error(`crds/${file}: want a schema with spec and status`);
  const condition = status.properties?.['conditions']?.items;
  if (!condition) throw new Error(`crds/${file}: want conditions in status`);
  if (parts.length === 0) {
    parts.push('// Generated from crds/*.yaml by scripts/generate-crd-types.ts: change those, then run it.\n');
    parts.push(
      await types({ ...condition, description: 'One thing that is or is not so with an object.' }, 'Condition'),
    );
  }
  parts.push(
    await types(spec, `${crd.names.kind}Spec`),
    await types(shareConditions(status), `${crd.names.kind}Status`),
  );
}
const generated = parts.join('\n');

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== generated) {
    console.error('error: operator/api/generated.ts is not what crds/*.yaml say');
    console.error('hint: run node scripts/generate-crd-types.ts and commit the result');
    process.exitCode = 1;
  }
} else {
  writeFileSync(target, generated);
}
