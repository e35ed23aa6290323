import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { exportLogs } from '../client/audit/export-logs.ts';
import { manifestFile, readManifest } from '../client/audit/export-manifest.ts';
import { openSignerLogs } from '../client/audit/signer-logs.ts';
import { digest } from '../common/bytes.ts';
import { UserError } from '../common/errors.ts';
import { commandLine } from './command-line.ts';
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

export type AuditExportOptions = TargetOptions & NamespaceOptions & { readonly to: string };

/** Writes holders' logs to a folder, or goes on with what is there. One that cannot be written does not keep back the others. */
export async function auditExport(
  session: Session,
  wallet: string,
  holder: string | undefined,
  options: AuditExportOptions,
): Promise<void> {
  const target = targetOf(session, options);
  const connection = await connectionTo(session, target, wallet, options);
  const identity = await readOperatorIdentity(target.state);
  const folder = resolve(options.to);
  const wanted = new Set(holdersNamed(connection, holder).map(({ name }) => name));
  const { logs, missing, close } = await openSignerLogs(connection.holders, identity, session.signal);
  try {
    const failed: UserError[] = [];
    for (const log of logs.filter((each) => wanted.has(each.holder)))
      try {
        await exportLogs({
          folder,
          wallet: connection,
          logs: [log],
          signal: session.signal,
          onSegment: (name, last, of) => session.note(`${name}: ${last} of ${of} records`),
        });
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        failed.push(error);
      }
    // One that cannot be read is among the errors.
    const { holders = [] } = (await readManifest(folder).catch(() => undefined)) ?? {};
    const rows = holders.map(({ name, head, segments, finished }) => [
      name,
      head.sequence,
      String(segments.length),
      String(segments.reduce((sum, { pruned }) => sum + Number(pruned), 0)),
      finished === 'true' ? head.hash : 'NOT FINISHED',
    ]);
    if (rows.length > 0)
      for (const line of table(['Holder', 'Records', 'Files', 'Pruned', 'Head'], rows)) session.print(line);
    const [first, ...more] = failed;
    if (first !== undefined)
      throw new UserError(first.message, [...more.map(({ message }) => `and ${message}`), ...first.hints]);
    const away = missing.filter((each) => wanted.has(each.holder));
    if (away.length > 0)
      throw new UserError(
        `holder ${away[0]?.holder} is not exported: ${away[0]?.missing}`,
        [
          ...away.slice(1).map((each) => `and holder ${each.holder}: ${each.missing}`),
          'run this again when its signer answers: what is exported stays',
          ...(await operatorHint(session, target)),
        ],
        exitCodes.needsMore,
      );
    // Who keeps this line elsewhere knows later that nobody wrote the export anew.
    session.note(`manifest.json: ${digest(await readFile(manifestFile(folder)))}`);
    session.note(`check it: ${commandLine(session, 'audit', 'verify', '--from', options.to)}`);
  } finally {
    close();
  }
}
