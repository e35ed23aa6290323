import { equal, hex, quote, sha256 } from '../common/bytes.ts';
import { parseTime } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import { canonicalize, type Json, parseCanonical } from './canonical.ts';

/** The last record of an audit log: number 0 and 32 zero bytes before there is one. */
export type Head = { readonly sequence: bigint; readonly hash: Uint8Array };

/** One link of an audit log: canonical JSON of strings, and SHA-256 of these bytes. */
export type AuditRecord = { readonly sequence: bigint; readonly record: Uint8Array; readonly hash: Uint8Array };

export const emptyHead: Head = { sequence: 0n, hash: new Uint8Array(32) };

/** A record says in short what happened: even of the longest escapes it is shorter than what a reader takes. */
const MOST_MEMBERS = 32;
const MOST_CHARACTERS = 4_096;
const MOST_NAME_CHARACTERS = 64;

/**
 * The link that follows `head`: the entry with its `sequence`, its `time` and, in `previous`, the digest of the link
 * before. Throws on what {@link verifyChain} might not read: more than 32 members or 4096 characters in one, lone
 * surrogates, another form of time.
 */
export function chainRecord(head: Head, time: string, entry: Readonly<Record<string, string>>): AuditRecord {
  const sequence = head.sequence + 1n;
  const members = { ...entry, sequence: String(sequence), previous: previousOf(head), time };
  parseTime(time);
  if (Object.keys(members).length > MOST_MEMBERS)
    throw new Error(`audit record: want at most ${MOST_MEMBERS} members, got ${Object.keys(members).length}`);
  for (const [name, { length }] of Object.entries(members))
    if (name.length > MOST_NAME_CHARACTERS || length > MOST_CHARACTERS)
      throw new Error(`audit record: want at most ${MOST_CHARACTERS} characters in ${quote(name)}, got ${length}`);
  const record = canonicalize(members);
  return { sequence, record, hash: sha256(record) };
}

/**
 * Checks that `records` go on from `from` without a gap or a changed byte, and says where they end. Throws naming the
 * first that does not fit. Records missing at the end show only in the head: compare it with one known otherwise.
 */
export function verifyChain(
  records: Iterable<AuditRecord>,
  from: Head = emptyHead,
): { readonly records: number; readonly head: Head } {
  let head = from;
  let count = 0;
  let time = Number.NEGATIVE_INFINITY;
  for (const link of records) {
    const expected = head.sequence + 1n;
    const fail = (what: string): never => {
      throw new Error(`audit record ${expected}: ${what}`);
    };
    if (link.sequence !== expected) fail(`record ${link.sequence} stands in its place`);
    if (!equal(sha256(link.record), link.hash)) fail(`its hash is not that of its bytes: the record was changed`);
    const { sequence, previous, time: written } = membersOf(link.record, fail);
    if (sequence !== String(expected)) fail(`says that it is record ${quoted(sequence)}`);
    if (previous !== previousOf(head)) fail(`follows ${quoted(previous)}, want ${quote(previousOf(head), 80)}`);
    const at = timeOf(written, fail);
    if (at < time) fail(`its time ${quoted(written)} is before that of the record it follows`);
    head = { sequence: link.sequence, hash: link.hash };
    time = at;
    count++;
  }
  return { records: count, head };
}

const previousOf = (head: Head): string => (head.sequence === 0n ? '' : `sha256:${hex(head.hash)}`);

const quoted = (value: Json | undefined): string => (typeof value === 'string' ? quote(value, 80) : 'no text');

function membersOf(record: Uint8Array, fail: (what: string) => never): { readonly [member: string]: Json | undefined } {
  try {
    const value = parseCanonical(record);
    if (typeof value === 'object' && !Array.isArray(value)) return value as { readonly [member: string]: Json };
  } catch (error) {
    fail(messageOf(error));
  }
  return fail('want a JSON object');
}

function timeOf(value: Json | undefined, fail: (what: string) => never): number {
  try {
    return parseTime(typeof value === 'string' ? value : '');
  } catch (error) {
    return fail(messageOf(error));
  }
}
