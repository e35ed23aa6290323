import { quote } from '../../common/bytes.ts';
import { nearest } from '../../common/nearest.ts';
import { patternWords } from './pattern-words.ts';
import { holds } from './rules.ts';
import type { CelRule, Schema } from './schema.ts';

/** What is wrong with an object: at `path`, like `spec.rules[2].match`, "" for the whole of it. */
export type Problem = { readonly path: string; readonly message: string };

/**
 * What the API server would find wrong with `value` under `schema`, `old` being what was there before an update.
 * Stricter in two things: unknown fields are problems rather than dropped, and so is an empty field (null).
 */
export function checkSchema(schema: Schema, value: unknown, old: unknown, path: string): readonly Problem[] {
  const problems = checkValue(schema, value, old, path);
  // Rules may rely on the types below them.
  return problems.length > 0 ? problems : checkRules(schema['x-kubernetes-validations'] ?? [], value, old, path);
}

function checkValue(schema: Schema, value: unknown, old: unknown, path: string): readonly Problem[] {
  if (value === null) return [{ path, message: 'is empty: give it a value or remove it' }];
  if (schema['x-kubernetes-int-or-string'])
    return typeof value === 'number'
      ? checkNumber({ ...schema, type: 'integer' }, value, path)
      : checkString(schema, value, path);
  switch (schema.type) {
    case 'object':
      return checkObject(schema, value, old, path);
    case 'array':
      return checkList(schema, value, path);
    case 'string':
      return checkString(schema, value, path);
    case 'integer':
    case 'number':
      return checkNumber(schema, value, path);
    case 'boolean':
      return typeof value === 'boolean' ? [] : wrongType('true or false', value, path);
    default:
      throw new Error(`schema at ${quote(path)} has no type`);
  }
}

function checkObject(schema: Schema, value: unknown, old: unknown, path: string): readonly Problem[] {
  if (!isObject(value)) return wrongType('an object', value, path);
  const names = Object.keys(value);
  if (schema.maxProperties !== undefined && names.length > schema.maxProperties)
    return [{ path, message: `want at most ${schema.maxProperties} entries, got ${names.length}` }];
  const properties = schema.properties ?? {};
  const missing = (schema.required ?? [])
    .filter((name) => !Object.hasOwn(value, name))
    .map((name) => ({ path: join(path, name), message: 'is required' }));
  const found = names.flatMap((name): readonly Problem[] => {
    const member = Object.hasOwn(properties, name) ? properties[name] : schema.additionalProperties;
    const at = join(path, name);
    if (member)
      return checkSchema(member, value[name], isObject(old) && Object.hasOwn(old, name) ? old[name] : undefined, at);
    if (schema['x-kubernetes-preserve-unknown-fields']) return [];
    const meant = nearest(name, Object.keys(properties));
    return [{ path: at, message: `unknown field ${quote(name)}${meant ? `; did you mean ${quote(meant)}?` : ''}` }];
  });
  return [...missing, ...found];
}

function checkList(schema: Schema, value: unknown, path: string): readonly Problem[] {
  if (!Array.isArray(value)) return wrongType('a list', value, path);
  const { minItems = 0, maxItems = Number.POSITIVE_INFINITY, items = {} } = schema;
  if (value.length < minItems) return [{ path, message: `want at least ${count(minItems)}, got ${value.length}` }];
  if (value.length > maxItems) return [{ path, message: `want at most ${count(maxItems)}, got ${value.length}` }];
  // No rule below a list compares with the past, so entries need no counterpart in the old list.
  const problems = value.flatMap((item: unknown, i) => checkSchema(items, item, undefined, `${path}[${i}]`));
  return problems.length > 0 ? problems : checkUnique(schema, value, path);
}

function checkUnique(schema: Schema, list: readonly unknown[], path: string): readonly Problem[] {
  const keys = schema['x-kubernetes-list-map-keys'];
  const identity = (item: unknown): string =>
    JSON.stringify(keys && isObject(item) ? keys.map((key) => item[key]) : item);
  if (schema['x-kubernetes-list-type'] !== 'set' && !keys) return [];
  const first = new Map<string, number>();
  return list.flatMap((item, i): readonly Problem[] => {
    const id = identity(item);
    const before = first.get(id);
    if (before === undefined) {
      first.set(id, i);
      return [];
    }
    const what = keys ? `the same ${keys.join(' and ')} as` : 'the same as';
    return [{ path: `${path}[${i}]`, message: `is ${what} ${path}[${before}]: each may be listed once` }];
  });
}

function checkString(schema: Schema, value: unknown, path: string): readonly Problem[] {
  if (typeof value !== 'string')
    return wrongType(
      schema.enum ? `one of ${schema.enum.join(', ')}` : 'a string',
      value,
      path,
      typeof value === 'number' ? '; put it in quotes' : '',
    );
  const { enum: words, minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern, format } = schema;
  if (words && !words.includes(value)) {
    const meant = nearest(value, words);
    return [
      {
        path,
        message: `want ${words.join(', ').replace(/, ([^,]*)$/, ' or $1')}, got ${quote(value)}${meant ? `; did you mean ${quote(meant)}?` : ''}`,
      },
    ];
  }
  const length = value.length > maxLength || value.length < 2 * minLength ? [...value].length : value.length;
  if (length < minLength) return [{ path, message: `want at least ${minLength} characters, got ${length}` }];
  if (length > maxLength) return [{ path, message: `want at most ${maxLength} characters, got ${length}` }];
  if (pattern !== undefined && !new RegExp(pattern).test(value))
    return [{ path, message: `want ${patternWords[pattern] ?? pattern}, got ${quote(value)}` }];
  if (format === 'date-time' && !isTime(value))
    return [{ path, message: `want a time like 2026-12-01T00:00:00Z, got ${quote(value)}` }];
  return [];
}

function checkNumber(schema: Schema, value: unknown, path: string): readonly Problem[] {
  const whole = schema.type === 'integer';
  if (typeof value !== 'number' || !(whole ? Number.isInteger(value) : Number.isFinite(value)))
    return wrongType(whole ? 'a whole number' : 'a number', value, path);
  const limit = schema.format === 'int32' ? 2 ** 31 : 2 ** 53;
  const { minimum = -limit, maximum = limit - 1 } = schema;
  if (value < minimum) return [{ path, message: `want at least ${minimum}, got ${value}` }];
  if (value > maximum) return [{ path, message: `want at most ${maximum}, got ${value}` }];
  return [];
}

function checkRules(rules: readonly CelRule[], value: unknown, old: unknown, path: string): readonly Problem[] {
  return rules
    .filter(({ rule }) => !holds(rule, value, old))
    .map(({ message, fieldPath = '' }) => ({ path: `${path}${fieldPath}`, message }));
}

/** RFC 3339 with a day that exists; a leap second is not a time here. */
function isTime(text: string): boolean {
  const day = /^(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]\d{2}:\d{2})$/.exec(text)?.[1];
  if (day === undefined) return false;
  const midnight = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day);
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const join = (path: string, name: string): string => {
  const step = /^[A-Za-z0-9_]+$/.test(name) ? name : `[${quote(name)}]`;
  return path === '' || step.startsWith('[') ? `${path}${step}` : `${path}.${step}`;
};

const count = (n: number): string => (n === 1 ? '1 entry' : `${n} entries`);

const wrongType = (want: string, value: unknown, path: string, advice = ''): readonly Problem[] => [
  { path, message: `want ${want}, got ${describe(value)}${advice}` },
];

function describe(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'object' ? 'an object' : typeof value;
}
