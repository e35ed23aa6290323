import { hex } from '../../common/bytes.ts';
import { messageOf } from '../../common/errors.ts';
import { AuditChain, auditMembers, ChainError } from '../../statement/audit.ts';
import type { AuditMembers, AuditRecord, Head } from '../../statement/audit.ts';
import type { AuditLog } from './audit-log.ts';
import type { Finding, Findings } from './findings.ts';
import type { HeadsOfLog, NamedHead, NamedHeads } from './named-heads.ts';
import { PrunedSegments } from './pruned-segments.ts';

/** How far a log was read: `whole` where every record to its head fits and has its body. */
export type FollowedLog = {
  readonly holder: string;
  readonly asOf: number;
  readonly records: number;
  /** Records without a body. */
  readonly pruned: number;
  readonly head: Head;
  /** The first record that does not fit; what it says counts for nothing. */
  readonly broken: bigint | undefined;
  readonly sound: boolean;
  readonly whole: boolean;
  /** Why it could not be read to its end; "" where it could. */
  readonly missing: string;
};

/** Records after the head that are read: they came since it was asked for. A log that goes on and on ends there. */
const MOST_NEWER = 100_000n;

/** Thrown by a log whose record `sequence` is provably not what was written; the message follows on its name. */
export class DamagedLog extends Error {
  override readonly name = 'DamagedLog';
  readonly sequence: bigint;
  readonly kind: string;
  constructor(sequence: bigint, problem: string, kind = '') {
    super(problem);
    this.sequence = sequence;
    this.kind = kind;
  }
}

type Told = (sequence: bigint, members: AuditMembers) => void;

/**
 * Reads a log from its first record to its head in constant memory, holds its hash chain and every head that is named of
 * it against it, and tells `told` what each record says. What is wrong goes to `findings`, with the first record that
 * does not fit; what comes after that one is not looked at.
 */
export async function followLog(
  log: AuditLog,
  heads: NamedHeads,
  findings: Findings,
  told: Told,
  signal: AbortSignal,
): Promise<FollowedLog> {
  const { holder, asOf } = log;
  const chain = new AuditChain();
  const segments = new PrunedSegments(holder);
  let kind = '';
  let missing = '';
  let broken: Finding | undefined;
  const named = heads.of(holder);
  try {
    const records = log.records(signal)[Symbol.asyncIterator]();
    try {
      for (let next = await records.next(); next.done !== true; next = await records.next()) {
        const record = next.value;
        if (record.sequence > log.head.sequence + MOST_NEWER) break;
        try {
          const members = chain.add(record);
          segments.add(record, members);
          const type = members?.['type'] ?? '';
          for (const each of named.contradicting(record)) findings.add(contradicted(each, type));
          if (members !== undefined) told(record.sequence, members);
          kind = type;
        } catch (error) {
          if (!(error instanceof ChainError)) throw error;
          broken = misfit(
            holder,
            error,
            record,
            kind,
            error.follows ? await following(records, record, named) : undefined,
          );
          break;
        }
      }
    } finally {
      await records.return?.();
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DamagedLog)
      broken = { severity: 'differs', holder, sequence: error.sequence, kind: error.kind, problem: error.message };
    else missing = messageOf(error);
  }
  if (broken !== undefined) findings.add(broken);
  if (broken === undefined && missing === '') {
    for (const each of named.after(chain.head.sequence)) findings.add(endsEarly(each, chain.head.sequence, asOf));
    for (const finding of segments.findings()) findings.add(finding);
  }
  const sound = missing === '' && !findings.has('differs', holder);
  const { records, pruned, head } = chain;
  const whole = sound && pruned === 0;
  return { holder, asOf, records, pruned, head, broken: broken?.sequence, sound, whole, missing };
}

/** Whether what comes after `record` goes on from it, or else someone names it: then what stands before it was changed. */
async function following(
  records: AsyncIterator<AuditRecord>,
  record: AuditRecord,
  named: HeadsOfLog,
): Promise<'yes' | 'no' | 'unknown'> {
  // Whatever else is wrong after it, this record is the first that does not fit.
  const next = await records.next().catch(() => undefined);
  if (next === undefined || next.done === true) return named.confirms(record) ? 'yes' : 'unknown';
  return membersIn(next.value)?.['previous'] === `sha256:${hex(record.hash)}` ? 'yes' : 'no';
}

function misfit(
  holder: string,
  error: ChainError,
  record: AuditRecord,
  before: string,
  next: 'yes' | 'no' | 'unknown' | undefined,
): Finding {
  const differs = { severity: 'differs', holder } as const;
  const own = membersIn(record)?.['type'] ?? '';
  if (error.follows && next === 'yes')
    return {
      ...differs,
      sequence: error.sequence - 1n,
      kind: before,
      problem: `was changed together with its hash: record ${error.sequence} and the one after it follow another`,
    };
  if (error.follows)
    return {
      ...differs,
      sequence: error.sequence,
      kind: own,
      problem:
        next === 'unknown'
          ? `follows another record than stands before it: one of the two was changed together with its hash`
          : 'follows another record than stands before it, and the one after it another than this',
    };
  if (record.sequence === error.sequence)
    return { ...differs, sequence: error.sequence, kind: own, problem: withoutPlace(error) };
  return record.sequence > error.sequence
    ? {
        ...differs,
        sequence: error.sequence,
        kind: '',
        problem: `is missing: record ${record.sequence} stands in its place`,
      }
    : {
        ...differs,
        sequence: record.sequence,
        kind: own,
        problem: `comes again where record ${error.sequence} should be`,
      };
}

const withoutPlace = (error: ChainError): string => messageOf(error).replace(/^audit record \d+: /, '');

function membersIn({ record }: AuditRecord): AuditMembers | undefined {
  try {
    return auditMembers(record);
  } catch {
    return undefined;
  }
}

const contradicted = ({ by, holder, head, signature }: NamedHead, kind: string): Finding => ({
  severity: 'differs',
  holder,
  sequence: head.sequence,
  kind,
  problem:
    signature.length > 0
      ? `has another hash than its holder signed, as ${by} has it: the log was written anew`
      : by === holder
        ? 'has another hash than its signer names as its head'
        : `has another hash than ${by} remembers of it`,
});

/** A log that was read before the head was named may well be shorter. */
const endsEarly = ({ by, holder, head, asOf }: NamedHead, end: bigint, readAt: number): Finding => ({
  severity: asOf <= readAt ? 'differs' : 'behind',
  holder,
  sequence: head.sequence,
  kind: '',
  problem: `is missing: the log ends with record ${end}, and ${by === holder ? 'its signer names' : `${by} remembers`} this one`,
});
