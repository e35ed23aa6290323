import { quote } from '../common/bytes.ts';
import { didYouMean, maxProblems } from './policy-invalid.ts';
import type { PolicyProblem } from './policy-invalid.ts';

/**
 * Two ways to write one policy: the `spec` of a SigningPolicy has numbers and durations like 24h, the `document` that
 * digests are taken of has decimal strings and seconds (PROTOCOL.md 1). Forms read either and give the document.
 */
export type Reading = { readonly from: 'spec' | 'document'; readonly problems: PolicyProblem[] };

/** Checks a value at path `at` and gives its part of the document; undefined once problems are noted. */
export type Form<T> = (value: unknown, at: string, reading: Reading) => T | undefined;
export type Forms<T> = { readonly [M in keyof T]-?: Form<T[M]> };

/** The longest window and lock, which is what ledgers remember: 31 days. Seconds. */
export const longestWindow = 31 * 86_400;

export function note({ problems }: Reading, path: string, message: string): undefined {
  if (problems.length < maxProblems) problems.push({ path, message });
  return undefined;
}

const shown = (value: unknown): string => {
  if (typeof value === 'string') return quote(value);
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return Array.isArray(value) ? 'a list' : 'an object';
};

export const textOf =
  (pattern: RegExp, longest: number, want: string): Form<string> =>
  (value, at, reading) => {
    if (typeof value !== 'string')
      return note(
        reading,
        at,
        `want a string, got ${shown(value)}${typeof value === 'number' ? '; put it in quotes' : ''}`,
      );
    if (value.length > longest) return note(reading, at, `want at most ${longest} characters, got ${value.length}`);
    return pattern.test(value) ? value : note(reading, at, `want ${want}, got ${quote(value)}`);
  };

export const wordOf =
  <T extends string>(...words: readonly T[]): Form<T> =>
  (value, at, reading) => {
    const word = words.find((known) => known === value);
    if (word !== undefined) return word;
    const meant = typeof value === 'string' ? didYouMean(value, words, reading.problems) : '';
    const want = words.join(', ').replace(/, ([^,]*)$/, ' or $1');
    return note(reading, at, `want ${want}, got ${shown(value)}${meant}`);
  };

/** A whole number: a decimal string in the document. */
export const wholeOf =
  (from: number, to: number): Form<string> =>
  (value, at, reading) => {
    const written =
      reading.from === 'document'
        ? typeof value === 'string' && /^(?:0|[1-9][0-9]{0,9})$/.test(value)
        : Number.isInteger(value);
    if (!written) return note(reading, at, `want a whole number, got ${shown(value)}`);
    const number = Number(value);
    if (number < from) return note(reading, at, `want at least ${from}, got ${number}`);
    return number > to ? note(reading, at, `want at most ${to}, got ${number}`) : String(number);
  };

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** A duration like 24h of at most 31 days: its seconds as a decimal string in the document. */
export const durationForm: Form<string> = (value, at, reading) => {
  if (reading.from === 'document') return wholeOf(1, longestWindow)(value, at, reading);
  const written = typeof value === 'string' ? /^([1-9][0-9]{0,6})([smh])$/.exec(value) : null;
  if (written === null) return note(reading, at, `want a duration like 30s, 15m or 24h, got ${shown(value)}`);
  const seconds = Number(written[1]) * (unitSeconds[written[2] ?? ''] ?? Number.NaN);
  return seconds <= longestWindow ? String(seconds) : note(reading, at, 'must be at most 744h, which is 31 days');
};

/** A list in its order. `identity` tells which member of an entry, or that the entry itself (""), may appear only once. */
export const listOf =
  <T>(form: Form<T>, atLeast: number, atMost: number, identity?: string): Form<readonly T[]> =>
  (value, at, reading) => {
    if (!Array.isArray(value)) return note(reading, at, `want a list, got ${shown(value)}`);
    const entries = (n: number): string => (n === 1 ? '1 entry' : `${n} entries`);
    if (value.length < atLeast) return note(reading, at, `want at least ${entries(atLeast)}, got ${value.length}`);
    if (value.length > atMost) return note(reading, at, `want at most ${entries(atMost)}, got ${value.length}`);
    const items = Array.from(value, (item: unknown, i) => form(item, `${at}[${i}]`, reading));
    if (identity !== undefined) noteRepeated(items, identity, at, reading);
    const known = items.filter((item) => item !== undefined);
    return known.length === items.length ? known : undefined;
  };

function noteRepeated(items: readonly unknown[], identity: string, at: string, reading: Reading): void {
  const first = new Map<unknown, number>();
  items.forEach((item, i) => {
    if (item === undefined) return;
    const id = identity === '' ? item : (item as Readonly<Record<string, unknown>>)[identity];
    const before = first.get(id);
    const what = identity === '' ? 'the same as' : `the same ${identity} as`;
    if (before !== undefined) note(reading, `${at}[${i}]`, `is ${what} ${at}[${before}]: each may be listed once`);
    else first.set(id, i);
  });
}

/** An object of these members; absent ones stay absent. */
export const recordOf =
  <R, O>(required: Forms<R>, optional: Forms<O>): Form<R & Partial<O>> =>
  (value, at, reading) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return note(reading, at, `want an object, got ${shown(value)}`);
    const forms: Readonly<Record<string, Form<unknown>>> = { ...required, ...optional };
    const path = (name: string): string => (at === '' ? name : `${at}.${name}`);
    const given = new Map<string, unknown>(Object.entries(value));
    let whole = true;
    for (const name of Object.keys(required))
      if (!given.has(name)) {
        whole = false;
        note(reading, path(name), 'is required');
      }
    const members: [string, unknown][] = [];
    for (const [name, member] of given) {
      const form = Object.hasOwn(forms, name) ? forms[name] : undefined;
      const checked =
        form === undefined ? noteUnknown(name, Object.keys(forms), path, reading) : form(member, path(name), reading);
      if (checked === undefined) whole = false;
      members.push([name, checked]);
    }
    // Each member has passed its form and no required one is missing, which is what the type says.
    return whole ? (Object.fromEntries(members) as R & Partial<O>) : undefined;
  };

function noteUnknown(
  name: string,
  names: readonly string[],
  path: (name: string) => string,
  reading: Reading,
): undefined {
  const cut = name.length > 60 ? `${name.slice(0, 60)}...` : name;
  return note(reading, path(cut), `unknown field ${quote(name)}${didYouMean(name, names, reading.problems)}`);
}
