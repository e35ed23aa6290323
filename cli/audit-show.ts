import { formatTime, parseTime } from '../common/clock.ts';
import { parseCanonical } from '../statement/canonical.ts';
import type { AuditRecord } from '../statement/audit.ts';
import { notATime, parseSpan } from './age.ts';
import { holdersNamed, throwFailures, verifyHolderLog } from './holder-log.ts';
import type { NamespaceOptions } from './namespace.ts';
import { oneLine } from './one-line.ts';
import { operatorHint } from './operator-hint.ts';
import { readOperatorIdentity } from './operator-identity.ts';
import type { Session } from './session.ts';
import { table } from './table.ts';
import { targetOf } from './target.ts';
import type { TargetOptions } from './target.ts';
import { connectionTo } from './wallet-connection.ts';

export type AuditShowOptions = TargetOptions & NamespaceOptions & { readonly since: string; readonly output?: 'json' };

/** A record's members, and whose log it is in. */
type HeldRecord = Readonly<Record<string, string>>;

/** Shows what holders have on record since a time, of those whose logs are sound. */
export async function auditShow(
  session: Session,
  wallet: string,
  holder: string | undefined,
  options: AuditShowOptions,
): Promise<void> {
  const from = startOf(options.since, Date.now());
  const target = targetOf(session, options);
  const connection = await connectionTo(session, target, wallet, options);
  const identity = await readOperatorIdentity(target.state);
  /** The last record of each holder whose body is gone. */
  const pruned = new Map<string, bigint>();
  const logs = await Promise.all(
    holdersNamed(connection, holder).map(async (each) => {
      const records: HeldRecord[] = [];
      const log = await verifyHolderLog(each, identity, session.signal, (link) => {
        if (link.record.length === 0) return void pruned.set(each.name, link.sequence);
        const record: HeldRecord = { ...membersOf(link), holder: each.name };
        if (Date.parse(record['time'] ?? '') >= from) records.push(record);
      });
      return { log, records: log.error === '' ? records : [] };
    }),
  );
  const records = logs.flatMap((each) => each.records).toSorted((a, b) => timeOf(a) - timeOf(b));
  if (options.output === 'json') session.print(JSON.stringify(records, undefined, 2));
  else if (records.length > 0)
    for (const line of table(
      ['Time', 'Holder', 'Type', 'Id', 'Initiator', 'Key', 'What'],
      records.map((record) => [
        ...['time', 'holder', 'type', 'id', 'initiator', 'key'].map((name) => oneLine(record[name] ?? '') || '-'),
        oneLine(inWords(record)),
      ]),
    ))
      session.print(line);
  throwFailures(
    logs.map(({ log }) => log),
    await operatorHint(session, target),
  );
  for (const [name, last] of pruned)
    session.note(
      `records 1 to ${last} of ${name} are pruned, and not shown: they are in the export that was made before`,
    );
  if (records.length === 0) session.note(`nothing on record since ${formatTime(from)}`);
}

const timeOf = (record: HeldRecord): number => Date.parse(record['time'] ?? '');

/** What a record says besides who, when and of which key. */
function inWords(record: HeldRecord): string {
  const of = (name: string): string => record[name] ?? '';
  return [
    of('reason') === '' ? '' : `${of('reason')}: ${of('message')}`,
    of('rule') === '' ? '' : `rule ${of('rule')}`,
    of('participants') === '' ? '' : `by ${of('participants').split(',').join(' and ')}`,
    of('culprit') === '' ? '' : `proven of ${of('culprit')}`,
    of('from') === '' ? '' : `told by ${of('from')}`,
    of('scheme') === '' ? '' : `${of('scheme')}, attempt ${of('attempt')}`,
    of('genesis') === '' ? '' : `genesis ${of('genesis')}`,
  ]
    .filter((text) => text !== '')
    .join('; ');
}

/** Records are canonical JSON of strings; the chain has been checked. */
function membersOf({ record }: AuditRecord): Readonly<Record<string, string>> {
  const value = parseCanonical(record);
  return Object.fromEntries(
    Object.entries(value).filter((member): member is [string, string] => typeof member[1] === 'string'),
  );
}

/** The start of what is shown, in milliseconds. */
function startOf(text: string, now: number): number {
  const span = parseSpan(text);
  if (span !== undefined) return now - span;
  try {
    return parseTime(text);
  } catch {
    throw notATime('--since', text);
  }
}
