import { parseTime } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import { quote } from '../common/bytes.ts';
import type { Json } from './canonical.ts';

/** Checks one member at path `at` and gives it back typed; throws an error that names `at`. */
export type Form<T> = (value: Json, at: string) => T;

/** A form for each member of `T`: none forgotten, none invented. */
export type Forms<T> = { readonly [M in keyof T]: Form<T[M]> };

function text(value: Json, at: string): string {
  if (typeof value !== 'string')
    throw new Error(`${at}: want a string, got ${Array.isArray(value) ? 'a list' : 'an object'}`);
  return value;
}

/** Text that matches `pattern` as a whole; `want` says in words what that is. */
export const matching =
  (pattern: RegExp, want: string): Form<string> =>
  (value, at) => {
    const got = text(value, at);
    if (!pattern.test(got)) throw new Error(`${at}: want ${want}, got ${quote(got)}`);
    return got;
  };

export const oneOf =
  <T extends string>(...words: readonly T[]): Form<T> =>
  (value, at) => {
    const got = text(value, at);
    const word = words.find((w) => w === got);
    if (word === undefined)
      throw new Error(`${at}: want ${words.map((w) => quote(w)).join(' or ')}, got ${quote(got)}`);
    return word;
  };

/** `""`, for what does not apply, or what `form` takes. */
export const orEmpty =
  (form: Form<string>): Form<string> =>
  (value, at) =>
    value === '' ? '' : form(value, at);

/** A digest of common/bytes.ts. */
export const digestForm = matching(/^sha256:[0-9a-f]{64}$/, 'sha256: and 64 lowercase hex digits');

/** Lowercase hex of one of these lengths in bytes. */
export const hexOf = (...lengths: readonly number[]): Form<string> =>
  matching(
    new RegExp(`^(?:${lengths.map((n) => `[0-9a-f]{${2 * n}}`).join('|')})$`),
    `${lengths.join(' or ')} bytes in lowercase hex`,
  );

/** A name as Kubernetes has it: a DNS label (RFC 1123). */
export const nameForm = matching(
  /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/,
  'a name of at most 63 lowercase letters, digits and inner hyphens',
);

/** A whole number below 10^15 without sign or leading zeros. */
export const decimalForm = matching(/^(?:0|[1-9][0-9]{0,14})$/, 'a whole number as a decimal string');

export const timeForm: Form<string> = (value, at) => {
  const got = text(value, at);
  try {
    parseTime(got);
  } catch (error) {
    throw new Error(`${at}: ${messageOf(error)}`);
  }
  return got;
};

export const listOf =
  <T>(form: Form<T>, atLeast: number, atMost: number): Form<readonly T[]> =>
  (value, at) => {
    if (!Array.isArray(value))
      throw new Error(`${at}: want a list, got ${typeof value === 'string' ? 'a string' : 'an object'}`);
    if (value.length < atLeast || value.length > atMost)
      throw new Error(`${at}: want ${atLeast} to ${atMost} entries, got ${value.length}`);
    return value.map((item: Json, i) => form(item, `${at}[${i}]`));
  };

/** An object with exactly the members of `forms`. */
export const recordOf =
  <T>(forms: Forms<T>): Form<T> =>
  (value, at) => {
    if (typeof value !== 'object' || Array.isArray(value))
      throw new Error(`${at}: want an object, got ${typeof value === 'string' ? 'a string' : 'a list'}`);
    const given = new Map<string, Json>(Object.entries(value));
    for (const name of given.keys())
      if (!Object.hasOwn(forms, name)) throw new Error(`${at}: unknown member ${quote(name)}`);
    const checked = Object.entries<Form<unknown>>(forms).map(([name, form]) => {
      const member = given.get(name);
      if (member === undefined) throw new Error(`${at}: member ${quote(name)} is missing`);
      return [name, form(member, `${at}.${name}`)];
    });
    return Object.fromEntries(checked) as T;
  };
