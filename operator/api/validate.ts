import { quote } from '../../common/bytes.ts';
import { checkSchema, isObject } from './check-schema.ts';
import type { Problem } from './check-schema.ts';
import { nearest } from '../../common/nearest.ts';
import { apiVersion, isKind, kinds } from './resource.ts';
import { schemaOf } from './schema.ts';

/** More problems than a person reads at once are cut. */
const maxProblems = 50;

/**
 * What is wrong with `object` by the schema and the rules of its kind's CRD; nothing where the API server would take it.
 * `old` is the same object before an update. Where nothing is wrong, `object` is a Resource but for what a server fills in.
 */
export function validate(object: unknown, old?: unknown): readonly Problem[] {
  if (!isObject(object)) return [{ path: '', message: 'want an object with apiVersion, kind, metadata and spec' }];
  const { kind } = object;
  if (object['apiVersion'] !== apiVersion)
    return [{ path: 'apiVersion', message: `want ${apiVersion}, got ${shown(object['apiVersion'])}` }];
  if (!isKind(kind)) {
    const meant = typeof kind === 'string' ? nearest(kind, kinds) : undefined;
    return [
      {
        path: 'kind',
        message: `want ${kinds.join(', ')}, got ${shown(kind)}${meant ? `; did you mean ${meant}?` : ''}`,
      },
    ];
  }
  return checkSchema(schemaOf(kind), object, old, '').slice(0, maxProblems);
}

const shown = (value: unknown): string =>
  typeof value === 'string' ? quote(value) : value === undefined ? 'nothing' : typeof value;
