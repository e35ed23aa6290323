import { quote } from '../common/bytes.ts';
import { UserError } from '../common/errors.ts';
import { definitionOf } from '../operator/api/definition.ts';
import { nearest } from '../common/nearest.ts';
import { kinds } from '../operator/api/resource.ts';
import type { Kind } from '../operator/api/resource.ts';
import { exitCodes } from './exit-codes.ts';

/** The kinds that a word of a person means, as kubectl takes it: kind, plural, singular, short name or category. */
export function kindsNamed(word: string): readonly Kind[] {
  const typed = word.toLowerCase();
  const found = kinds.filter((kind) => namesOf(kind).includes(typed));
  if (found.length > 0) return found;
  const plurals = kinds.map((kind) => definitionOf(kind).names.plural);
  const meant = nearest(
    typed,
    [...new Set(kinds.flatMap(namesOf))].filter((name) => name.length > 4),
  );
  throw new UserError(
    `unknown kind ${quote(word)}`,
    [...(meant === undefined ? [] : [`did you mean ${meant}?`]), `kinds are ${plurals.join(', ')}`],
    exitCodes.usage,
  );
}

function namesOf(kind: Kind): readonly string[] {
  const { plural, singular, shortNames, categories } = definitionOf(kind).names;
  return [plural, singular, ...shortNames, ...categories];
}
