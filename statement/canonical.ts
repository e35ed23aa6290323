import { equal, fromUtf8, utf8 } from '../common/bytes.ts';
import { messageOf } from '../common/errors.ts';

/** What canonical documents are made of: no numbers, booleans or null, so that no two readers disagree on a value. */
export type Json = string | readonly Json[] | { readonly [member: string]: Json };

/** Nothing that is signed nests deeper; keeps hostile input from exhausting the stack. */
const maxDepth = 32;
const defaultMaxBytes = 1024 * 1024;

/** RFC 8785 bytes of `value`; throws on lone surrogates, on anything that is not {@link Json}, and beyond 32 levels. */
export const canonicalize = (value: Json): Uint8Array => utf8(encode(value, 0));

function encode(value: unknown, depth: number): string {
  if (typeof value === 'string') return encodeString(value);
  if (typeof value !== 'object' || value === null)
    throw new Error(`want only strings, lists and objects, got ${value === null ? 'null' : `a ${typeof value}`}`);
  if (depth === maxDepth) throw new Error(`nested deeper than ${maxDepth} levels`);
  if (Array.isArray(value)) return `[${value.map((item) => encode(item, depth + 1)).join(',')}]`;
  // RFC 8785 3.2.3: members in order of UTF-16 code units, which is how JavaScript compares strings.
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${encodeString(name)}:${encode(member, depth + 1)}`).join(',')}}`;
}

// RFC 8785 3.2.2.2 is defined by ECMAScript's own escapes, except that a lone surrogate is an error.
function encodeString(text: string): string {
  if (!text.isWellFormed()) throw new Error('text holds a lone surrogate, which has no UTF-8 form');
  return JSON.stringify(text);
}

/**
 * The value of canonical bytes; throws on any other encoding of it. Re-encoding and comparing refuses repeated
 * members, white space, byte order marks, other escapes and other orders without a parser of our own.
 */
export function parseCanonical(bytes: Uint8Array, maxBytes = defaultMaxBytes): Json {
  if (bytes.length > maxBytes) throw new Error(`want at most ${maxBytes} bytes of JSON, got ${bytes.length}`);
  let value: Json;
  try {
    value = JSON.parse(fromUtf8(bytes)) as Json; // `canonicalize` refuses what is not Json
  } catch (error) {
    throw new Error(`not JSON in UTF-8: ${messageOf(error)}`);
  }
  if (!equal(canonicalize(value), bytes))
    throw new Error('not canonical JSON (RFC 8785): want sorted, unrepeated members, no white space, shortest escapes');
  return value;
}
