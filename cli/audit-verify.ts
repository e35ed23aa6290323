import { resolve } from 'node:path';
import type { Known } from '../client/audit/agreement.ts';
import { placeOf } from '../client/audit/findings.ts';
import type { AuditLog } from '../client/audit/audit-log.ts';
import { openExport, withExport } from '../client/audit/exported-logs.ts';
import { openSignerLogs } from '../client/audit/signer-logs.ts';
import { verifyLogs } from '../client/audit/verify-logs.ts';
import type { LogsVerified } from '../client/audit/verify-logs.ts';
import type { VerifiedConnection } from '../client/connection.ts';
import { fromHex, hex } from '../common/bytes.ts';
import { UserError } from '../common/errors.ts';
import { encodeStatement, statementDigest } from '../statement/statements.ts';
import { exitCodes } from './exit-codes.ts';
import { holdersNamed } from './holder-log.ts';
import { splitName } from './namespace.ts';
import type { NamespaceOptions } from './namespace.ts';
import { oneLine } from './one-line.ts';
import { operatorHint } from './operator-hint.ts';
import { readOperatorIdentity } from './operator-identity.ts';
import type { Session } from './session.ts';
import { table } from './table.ts';
import { targetOf } from './target.ts';
import type { TargetOptions } from './target.ts';
import { connectionTo } from './wallet-connection.ts';

export type AuditVerifyOptions = TargetOptions &
  NamespaceOptions & { readonly output?: 'json'; readonly from?: string; readonly export?: string };

/** Checks holders' logs, each by itself and all against one another: at their signers, or in an export. */
export async function auditVerify(
  session: Session,
  wallet: string | undefined,
  holder: string | undefined,
  options: AuditVerifyOptions,
): Promise<void> {
  if (options.from !== undefined) return verifyExport(session, wallet, holder, options.from, options);
  if (wallet === undefined)
    throw new UserError('say which wallet, or which export: --from FOLDER', [], exitCodes.usage);
  const target = targetOf(session, options);
  const connection = await connectionTo(session, target, wallet, options);
  const identity = await readOperatorIdentity(target.state);
  const wanted = new Set(holdersNamed(connection, holder).map(({ name }) => name));
  const exported = options.export === undefined ? [] : await exportOf(resolve(options.export), connection);
  const { logs, missing, close } = await openSignerLogs(connection.holders, identity, session.signal);
  try {
    const verified = await verifyLogs({
      logs: logs.filter((log) => wanted.has(log.holder)).map((log) => withBodies(log, exported)),
      witnesses: logs.filter((log) => !wanted.has(log.holder)),
      missing: [...missing, ...unreachable(connection)].filter((log) => holder === undefined || wanted.has(log.holder)),
      known: knownOf(connection),
      signal: session.signal,
      onProgress: progressOf(session),
    });
    tell(session, options, connection, verified);
    conclude(session, verified, verified.missing.length === 0 ? [] : await operatorHint(session, target));
  } finally {
    close();
  }
}

/** The same of an export, without any signer. */
async function verifyExport(
  session: Session,
  name: string | undefined,
  holder: string | undefined,
  folder: string,
  options: AuditVerifyOptions,
): Promise<void> {
  const { wallet, logs, missing } = await openExport(resolve(folder));
  const { namespace, name: plain } = name === undefined ? { namespace: '', name: '' } : splitName(name, options);
  if (name !== undefined && wallet.wallet !== `${namespace}/${plain}`)
    throw new UserError(`${folder}: is an export of wallet ${wallet.wallet}, want ${namespace}/${plain}`);
  session.note(`export of wallet ${wallet.wallet} with genesis ${wallet.genesis}`);
  const holders = wallet.statement.holders;
  const wanted = new Set(holdersNamed({ wallet: wallet.wallet, holders }, holder).map((each) => each.name));
  const verified = await verifyLogs({
    logs: logs.filter((log) => wanted.has(log.holder)),
    witnesses: logs.filter((log) => !wanted.has(log.holder)),
    missing: missing.filter((log) => wanted.has(log.holder)),
    known: knownOf(wallet),
    signal: session.signal,
    onProgress: progressOf(session),
  });
  tell(session, options, wallet, verified);
  conclude(session, verified, ['holdfast audit export adds it to the same folder']);
}

/** The logs of an export of this very wallet. */
async function exportOf(folder: string, { wallet, genesis }: VerifiedConnection): Promise<readonly AuditLog[]> {
  const { logs, wallet: found } = await openExport(folder);
  if (found.genesis !== genesis)
    throw new UserError(
      `${folder}: is an export of wallet ${found.wallet} with genesis ${found.genesis}, want ${wallet} with ${genesis}`,
    );
  return logs;
}

function withBodies(log: AuditLog, exported: readonly AuditLog[]): AuditLog {
  const known = exported.find(({ holder }) => holder === log.holder);
  return known === undefined ? log : withExport(log, known);
}

const progressOf =
  (session: Session) =>
  (name: string, records: bigint, of: bigint): void =>
    session.note(`${name}: ${records} of ${of} records`);

/** Holders that nobody has told the address of. */
const unreachable = ({ statement, holders }: VerifiedConnection): LogsVerified['missing'] =>
  statement.holders
    .filter(({ name }) => holders.every((holder) => holder.name !== name))
    .map(({ name }) => ({ holder: name, missing: 'no address of its signer is known' }));

/** What the records of a wallet must agree with. */
export const knownOf = ({
  genesis,
  statement,
  keys,
}: Pick<VerifiedConnection, 'genesis' | 'statement' | 'keys'>): Known => ({
  genesis,
  auditKeys: new Map(statement.holders.map(({ name, auditKey }) => [name, fromHex(auditKey, 'auditKey')])),
  certificates: new Map([...keys].map(([key, certificate]) => [key, statementDigest(encodeStatement(certificate))])),
  now: Date.now(),
});

type Wallet = { readonly wallet: string; readonly genesis: string };

function tell(session: Session, { output }: AuditVerifyOptions, wallet: Wallet, verified: LogsVerified): void {
  if (output === 'json') return session.print(JSON.stringify(jsonOf(wallet, verified), undefined, 2));
  const rows = [
    ...verified.logs.map(({ holder, records, head, sound, pruned }) => [
      holder,
      sound ? 'verified' : 'DIFFERS',
      String(records),
      pruned === 0 ? '-' : String(pruned),
      hex(head.hash),
    ]),
    ...verified.missing.map(({ holder }) => [holder, 'NOT VERIFIED', '-', '-', '-']),
  ];
  for (const line of table(['Holder', 'Result', 'Records', 'Pruned', 'Head'], rows)) session.print(line);
  for (const finding of verified.findings)
    session.print(oneLine(`${finding.severity}: ${placeOf(finding)} ${finding.problem}`));
  const hidden = verified.count - verified.findings.length;
  if (hidden > 0) session.print(`and ${hidden} more`);
}

const jsonOf = ({ wallet, genesis }: Wallet, { logs, missing, findings, count }: LogsVerified): unknown => ({
  wallet,
  genesis,
  verified: missing.length === 0 && findings.every(({ severity }) => severity === 'pruned'),
  records: logs.reduce((sum, { records }) => sum + records, 0),
  holders: [
    ...logs.map(({ holder, records, pruned, head, sound }) => ({
      name: holder,
      result: sound ? 'verified' : 'differs',
      verified: sound,
      records,
      pruned,
      head: { sequence: String(head.sequence), hash: hex(head.hash) },
      error: '',
    })),
    ...missing.map(({ holder, missing: error }) => ({ name: holder, result: 'not verified', verified: false, error })),
  ],
  findings: findings.map(({ severity, holder, sequence, kind, problem }) => ({
    severity,
    holder,
    sequence: String(sequence),
    kind,
    problem,
  })),
  findingsInAll: count,
});

/** Throws unless every log was read and nothing differs; `hints` say why signers may be away. */
function conclude(session: Session, verified: LogsVerified, hints: readonly string[]): void {
  const { logs, missing, findings } = verified;
  const away = missing.map(({ holder, missing: why }) => `holder ${holder} is not verified: ${why}`);
  const differing = findings.filter(({ severity }) => severity === 'differs');
  const [first] = differing;
  if (first !== undefined) {
    const names = [...new Set(differing.map(({ holder }) => holder))];
    throw new UserError(`the logs differ: ${placeOf(first)} ${first.problem}`, [
      ...(differing.length > 1 ? [`${differing.length} records differ in all, of ${names.join(' and ')}`] : []),
      ...away,
      'an export that was made before shows what a record said: give it with --export',
      `keep the state of ${names.join(' and ')} as it is, stop asking for signatures, and find out who could write to it`,
    ]);
  }
  if (missing.length > 0)
    throw new UserError(
      away[0] ?? '',
      [...away.slice(1), 'nothing is said of a log that was not read, neither good nor bad', ...hints],
      exitCodes.needsMore,
    );
  const late = findings.find(({ severity }) => severity === 'behind');
  if (late !== undefined)
    throw new UserError(
      `not all is known to all yet: ${placeOf(late)} ${late.problem}`,
      ['ask again once the signers have been connected for a minute'],
      exitCodes.needsMore,
    );
  const pruned = logs.reduce((sum, log) => sum + log.pruned, 0);
  session.note(
    `verified: ${logs.reduce((sum, { records }) => sum + records, 0)} records of ${logs.length} holders${pruned === 0 ? '' : `, ${pruned} of them by number and hash only: an export of before has the rest, give it with --export`}`,
  );
}
