import { checkAgreement } from './agreement.ts';
import type { Known } from './agreement.ts';
import type { AuditLog, MissingLog } from './audit-log.ts';
import { FactTable } from './fact-table.ts';
import { Findings } from './findings.ts';
import type { Finding } from './findings.ts';
import { followLog } from './followed-log.ts';
import type { FollowedLog } from './followed-log.ts';
import { NamedHeads } from './named-heads.ts';

export type LogsVerified = {
  /** Logs that were read, as far as they were. */
  readonly logs: readonly FollowedLog[];
  /** Holders of which nothing can be said. */
  readonly missing: readonly MissingLog[];
  /** What was found, at most {@link Findings.MOST} of each severity; `count` is all. */
  readonly findings: readonly Finding[];
  readonly count: number;
};

export type VerifyOptions = {
  readonly logs: readonly AuditLog[];
  /** Whose heads count besides: logs that are not read. */
  readonly witnesses?: readonly AuditLog[];
  readonly missing?: readonly MissingLog[];
  readonly known: Known;
  readonly signal: AbortSignal;
  /** Told now and then how far a log was read. */
  readonly onProgress?: (holder: string, records: bigint, of: bigint) => void;
};

const PROGRESS_EVERY = 50_000n;

/**
 * Checks the logs of a wallet's holders: each hash chain, every head that anyone names of it, and all records against
 * those of the others. In memory that does not grow with the logs.
 */
export async function verifyLogs({
  logs,
  witnesses = [],
  missing = [],
  known,
  signal,
  onProgress = () => {},
}: VerifyOptions): Promise<LogsVerified> {
  const findings = new Findings();
  const heads = new NamedHeads([...logs, ...witnesses], known, findings);
  const table = new FactTable();
  try {
    const followed = await Promise.all(
      logs.map((log) =>
        followLog(
          log,
          heads,
          findings,
          (sequence, members) => {
            table.add(log.holder, sequence, sequence <= log.head.sequence, members);
            if (sequence % PROGRESS_EVERY === 0n) onProgress(log.holder, sequence, log.head.sequence);
          },
          signal,
        ),
      ),
    );
    table.complete(followed);
    checkAgreement(table, known, findings);
    return {
      logs: followed
        .filter((log) => log.missing === '')
        .map((log) => ({ ...log, sound: log.sound && !findings.has('differs', log.holder) })),
      missing: [...missing, ...followed.filter((log) => log.missing !== '')],
      findings: findings.list(),
      count: findings.count,
    };
  } finally {
    table.close();
  }
}
