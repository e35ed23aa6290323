import { resolve } from 'node:path';
import { DamagedLog } from '../client/audit/followed-log.ts';
import { segmentRecords, openExport } from '../client/audit/exported-logs.ts';
import type { ExportedSegment } from '../client/audit/export-manifest.ts';
import { openSignerLogs } from '../client/audit/signer-logs.ts';
import type { SignerLog } from '../client/audit/signer-logs.ts';
import { fromHex } from '../common/bytes.ts';
import { messageOf, UserError } from '../common/errors.ts';
import { AuditChain, emptyHead, SEGMENT_RECORDS } from '../statement/audit.ts';
import { exitCodes } from './exit-codes.ts';
import { holdersNamed } from './holder-log.ts';
import type { NamespaceOptions } from './namespace.ts';
import { operatorHint } from './operator-hint.ts';
import { readOperatorIdentity } from './operator-identity.ts';
import type { Session } from './session.ts';
import { table } from './table.ts';
import { targetOf } from './target.ts';
import type { TargetOptions } from './target.ts';
import { connectionTo } from './wallet-connection.ts';

export type AuditPruneOptions = TargetOptions & NamespaceOptions & { readonly exported: string };

/** Has signers drop the bodies of every whole segment that an export has, after reading the export from its first byte. */
export async function auditPrune(
  session: Session,
  wallet: string,
  holder: string,
  options: AuditPruneOptions,
): Promise<void> {
  const target = targetOf(session, options);
  const connection = await connectionTo(session, target, wallet, options);
  const identity = await readOperatorIdentity(target.state);
  const holders = holdersNamed(connection, holder);
  const folder = resolve(options.exported);
  const { manifest } = await openExport(folder);
  if (manifest.genesis !== connection.genesis)
    throw new UserError(
      `${folder}: is an export of genesis ${manifest.genesis}, want ${connection.genesis}: nothing is pruned`,
    );
  const exported = manifest.holders.find(({ name }) => name === holder);
  if (exported === undefined)
    throw new UserError(`${folder}: has no log of holder ${holder}: nothing is pruned`, [
      'holdfast audit export adds it to the same folder',
    ]);
  const whole = await readWhole(folder, holder, exported.segments, session.signal);
  const { logs, missing, close } = await openSignerLogs(holders, identity, session.signal);
  try {
    const [log] = logs;
    if (log === undefined)
      throw new UserError(
        `holder ${holder}: ${missing[0]?.missing ?? 'does not answer'}: nothing is pruned`,
        await operatorHint(session, target),
        exitCodes.needsMore,
      );
    const pruned = await pruneAll(session, log, whole);
    for (const line of table(['Holder', 'Records', 'Pruned'], [[holder, String(log.head.sequence), String(pruned)]]))
      session.print(line);
    if (pruned > 0n) session.note(`records 1 to ${pruned} are left by number and hash: keep ${folder}`);
    else session.note(`nothing to prune: no ${SEGMENT_RECORDS} records are exported yet`);
  } finally {
    close();
  }
}

/** The whole segments of an export, in order, after checking every record of them. */
async function readWhole(
  folder: string,
  holder: string,
  segments: readonly ExportedSegment[],
  signal: AbortSignal,
): Promise<readonly ExportedSegment[]> {
  const whole = segments.filter(({ last }) => BigInt(last) % SEGMENT_RECORDS === 0n);
  const chain = new AuditChain(emptyHead);
  for (const segment of whole)
    try {
      for await (const record of segmentRecords(folder, holder, segment, signal)) chain.add(record);
    } catch (error) {
      signal.throwIfAborted();
      const what = error instanceof DamagedLog ? `audit record ${error.sequence} ${error.message}` : messageOf(error);
      throw new UserError(`holder ${holder}: ${what}: nothing is pruned`, [
        `holdfast audit verify --from ${folder} says more`,
      ]);
    }
  return whole;
}

/** Prunes segment after segment, the oldest first; gives the last record without a body. */
async function pruneAll(
  session: Session,
  { client, holder }: SignerLog,
  whole: readonly ExportedSegment[],
): Promise<bigint> {
  let pruned = 0n;
  for (const { first, last, hash, sha256, pruned: bare } of whole) {
    try {
      // Of a segment that the export has no bodies of, the signer says whether it is pruned already.
      const bodies = bare === '0' ? bytesOf(sha256) : Buffer.of();
      ({ pruned } = await client.pruneAudit({ last: BigInt(last), hash: bytesOf(hash), bodies }, session.signal));
    } catch (error) {
      session.signal.throwIfAborted();
      throw new UserError(`holder ${holder}: records ${first} to ${last} are not pruned: ${messageOf(error)}`, [
        ...(pruned === 0n ? [] : [`records 1 to ${pruned} are`]),
        'nothing is pruned that the signer does not have exactly as exported',
      ]);
    }
    session.note(`${holder}: records ${first} to ${last} are pruned`);
  }
  return pruned;
}

const bytesOf = (digest: string): Buffer => Buffer.from(fromHex(digest.slice('sha256:'.length)));
