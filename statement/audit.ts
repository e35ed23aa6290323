import { equal, hex, quote, sha256 } from '../common/bytes.ts';
import { parseTime } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import { canonicalize, type Json, parseCanonical } from './canonical.ts';

/** The last record of an audit log: number 0 and 32 zero bytes before there is one. */
export type Head = { readonly sequence: bigint; readonly hash: Uint8Array };

/**
 * One link of an audit log: canonical JSON of strings, and SHA-256 of these bytes. `record` is empty where its body was
 * pruned; number and hash stay for good.
 */
export type AuditRecord = { readonly sequence: bigint; readonly record: Uint8Array; readonly hash: Uint8Array };

export const emptyHead: Head = { sequence: 0n, hash: new Uint8Array(32) };

/** Records of a segment: what is exported in one file and pruned at once. Segment n ends with record n times this. */
export const SEGMENT_RECORDS = 10_000n;

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

/** What a record says: a text a member. */
export type AuditMembers = Readonly<Record<string, string>>;

/** A record that does not fit into its chain. */
export class ChainError extends Error {
  override readonly name = 'ChainError';
  /** The place in the chain where something else was to be. */
  readonly sequence: bigint;
  /** True where the record is sound in itself and follows another one than stands before it. */
  readonly follows: boolean;
  constructor(sequence: bigint, what: string, follows = false) {
    super(`audit record ${sequence}: ${what}`);
    this.sequence = sequence;
    this.follows = follows;
  }
}

/** Follows an audit log record by record, in constant memory. */
export class AuditChain {
  #head: Head;
  #records = 0;
  #pruned = 0;
  #time = Number.NEGATIVE_INFINITY;

  constructor(from: Head = emptyHead) {
    this.#head = from;
  }

  /** The last record that fitted. */
  get head(): Head {
    return this.#head;
  }

  /** Records that fitted, pruned ones included. */
  get records(): number {
    return this.#records;
  }

  /** Of these the ones without a body: that they follow each other only the body of the next can show. */
  get pruned(): number {
    return this.#pruned;
  }

  /**
   * Takes the next record and gives what it says; undefined where its body is pruned. Throws a {@link ChainError} where
   * it does not go on from the head without a gap or a changed byte, and leaves the chain as it was.
   */
  add(link: AuditRecord): AuditMembers | undefined {
    const expected = this.#head.sequence + 1n;
    const fail = (what: string, follows = false): never => {
      throw new ChainError(expected, what, follows);
    };
    if (link.sequence !== expected) fail(`record ${link.sequence} stands in its place`);
    const members = link.record.length === 0 ? undefined : this.#check(link, fail);
    if (members === undefined) {
      if (link.hash.length !== 32) fail(`its hash has ${link.hash.length} bytes, want 32`);
      this.#pruned++;
    }
    this.#head = { sequence: link.sequence, hash: link.hash };
    this.#records++;
    return members;
  }

  #check(
    { sequence: place, record, hash }: AuditRecord,
    fail: (what: string, follows?: boolean) => never,
  ): AuditMembers {
    if (!equal(sha256(record), hash)) fail('its hash is not that of its bytes: the record was changed');
    const members = membersOf(record, fail);
    const { sequence, previous, time: written } = members;
    if (sequence !== String(place)) fail(`says that it is record ${quoted(sequence)}`);
    const before = previousOf(this.#head);
    if (previous !== before) fail(`follows ${quoted(previous)}, want ${quote(before, 80)}`, true);
    const at = timeOf(written, fail);
    if (at < this.#time) fail(`its time ${quoted(written)} is before that of the record it follows`);
    this.#time = at;
    return members;
  }
}

/**
 * Checks that `records` go on from `from` without a gap or a changed byte, and says where they end. Throws naming the
 * first that does not fit. Records missing at the end show only in the head: compare it with one known otherwise.
 */
export function verifyChain(
  records: Iterable<AuditRecord>,
  from: Head = emptyHead,
): { readonly records: number; readonly head: Head } {
  const chain = new AuditChain(from);
  for (const link of records) chain.add(link);
  return { records: chain.records, head: chain.head };
}

/** What a record says. Throws on what is no canonical JSON object of texts. */
export const auditMembers = (record: Uint8Array): AuditMembers =>
  membersOf(record, (what) => {
    throw new Error(`audit record: ${what}`);
  });

const previousOf = (head: Head): string => (head.sequence === 0n ? '' : `sha256:${hex(head.hash)}`);

const quoted = (value: string | undefined): string => (value === undefined ? 'no text' : quote(value, 80));

function membersOf(record: Uint8Array, fail: (what: string) => never): AuditMembers {
  let value: Json;
  try {
    value = parseCanonical(record);
  } catch (error) {
    return fail(messageOf(error));
  }
  if (typeof value !== 'object' || Array.isArray(value)) return fail('want a JSON object');
  for (const [name, member] of Object.entries(value))
    if (typeof member !== 'string') return fail(`want a text as ${quote(name, 64)}`);
  return value as AuditMembers;
}

function timeOf(value: string | undefined, fail: (what: string) => never): number {
  try {
    return parseTime(value ?? '');
  } catch (error) {
    return fail(messageOf(error));
  }
}
