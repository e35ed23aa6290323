import { digest, utf8 } from '../../../common/bytes.ts';
import { formatTime } from '../../../common/clock.ts';
import { chainRecord, emptyHead } from '../../../statement/audit.ts';
import type { AuditRecord, Head } from '../../../statement/audit.ts';
import type { RememberedHead } from '../audit-log.ts';
import type { ResumableLog } from '../export-logs.ts';
import type { Known } from '../agreement.ts';

/** A time that records of tests begin at. Unix seconds. */
export const start = 1_790_000_000;

export const genesis = digest(utf8('genesis'));
const policy = digest(utf8('policy'));
export const certificate = digest(utf8('certificate'));

export const known: Known = {
  genesis,
  auditKeys: new Map(),
  certificates: new Map([['solana', certificate]]),
  now: (start + 86_400) * 1000,
};

type Entry = Readonly<Record<string, string>>;

/** A log that is written record by record. */
export class WrittenLog {
  readonly holder: string;
  records: AuditRecord[] = [];
  remembered = new Map<string, Head>();
  /** Heads with signatures that it has. */
  signed: RememberedHead[] = [];
  /** What the signer names; its last record where nothing is set. */
  named: Head | undefined;
  asOf = start * 1000;

  constructor(holder: string) {
    this.holder = holder;
  }

  get head(): Head {
    return this.records.at(-1) ?? emptyHead;
  }

  write(seconds: number, entry: Entry): void {
    this.records.push(chainRecord(this.head, formatTime(seconds * 1000), entry));
  }

  /** Rewrites record `sequence` and every hash after it, as who has the whole state can. */
  rewrite(sequence: number, change: (entry: Entry) => Entry | undefined): void {
    const entries = this.records.map(
      ({ record }) => JSON.parse(Buffer.from(record).toString()) as Record<string, string>,
    );
    this.records = [];
    for (const [i, { time = '', sequence: _, previous: __, ...entry }] of entries.entries()) {
      const next = i + 1 === sequence ? change(entry) : entry;
      if (next !== undefined) this.records.push(chainRecord(this.head, time, next));
    }
  }

  log(): ResumableLog {
    const { holder, records, remembered, signed, asOf } = this;
    return {
      async *after(sequence) {
        yield* records.filter((record) => record.sequence > sequence);
      },
      holder,
      asOf,
      head: this.named ?? this.head,
      remembered: [
        ...[...remembered].map(([of, head]) => ({ holder: of, head, signature: new Uint8Array() })),
        ...signed,
      ],
      async *records() {
        yield* records;
      },
    };
  }
}

const refused = new WrittenLog('client');

/** A log of `count` requests that were denied. Its records are made once: those of a whole segment take their time. */
export function longLog(count: number): WrittenLog {
  for (let n = refused.records.length; n < count; n++) refused.write(start, { type: 'Denied', id: String(n) });
  const log = new WrittenLog('client');
  log.records = refused.records.slice(0, count);
  return log;
}

/** Logs of a 2-of-3 wallet as honest signers write them: keygen, and what `steps` say, one payment each. */
export function honestLogs(steps: readonly ('signed' | 'denied' | 'repeated' | 'lost')[]): WrittenLog[] {
  const names = ['infrastructure', 'client', 'backup'] as const;
  const logs = names.map((name) => new WrittenLog(name));
  const [infrastructure, client, backup] = logs as [WrittenLog, WrittenLog, WrittenLog];
  const key = { key: 'solana', scheme: 'EdDSA', attempt: '1', certificate };
  for (const log of logs) log.write(start, { type: 'GenesisAccepted', genesis, policy });
  for (const log of logs) log.write(start + 1, { type: 'KeyPrepared', ...key });
  for (const log of logs) log.write(start + 2, { type: 'KeyActivated', ...key });
  const payment = (n: number): Entry => ({
    digest: digest(utf8(`request ${n}`)),
    initiator: 'payments-api',
    id: `pay-${n}`,
    key: 'solana',
  });
  const round = (n: number, at: number, ends: boolean): void => {
    const request = payment(n);
    const judged = { ...request, rule: 'any', policy, effects: digest(utf8(`effects ${n}`)) };
    client.write(at, { type: 'Released', ...judged, coordinator: 'infrastructure', quorum: 'infrastructure,client' });
    infrastructure.write(at, { type: 'Reserved', ...judged });
    backup.write(at, { type: 'SpendLearned', ...request, from: 'client', policy });
    if (!ends) {
      const reason = { reason: 'SignatureMayExist', message: 'client is gone' };
      infrastructure.write(at + 1, { type: 'Failed', ...request, rule: 'any', policy, ...reason });
      return;
    }
    const signed = { type: 'Signed', ...judged, participants: 'infrastructure,client' };
    infrastructure.write(at + 1, { ...signed, from: '' });
    client.write(at + 1, { ...signed, from: 'infrastructure' });
  };
  for (const [n, step] of steps.entries()) {
    const at = start + 10 + 10 * n;
    if (step === 'denied')
      infrastructure.write(at, {
        type: 'Denied',
        ...payment(n),
        reason: 'PolicyDenied',
        message: 'no',
        rule: '',
        policy,
      });
    else if (step === 'lost') round(n, at, false);
    else round(n, at, true);
    if (step === 'repeated') round(n, at + 2, true);
  }
  for (const log of logs) for (const other of logs) if (other !== log) log.remembered.set(other.holder, other.head);
  return logs;
}
