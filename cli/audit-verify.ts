import type { VerifiedConnection } from '../client/connection.ts';
import { hex } from '../common/bytes.ts';
import { holdersNamed, throwFailures, verifyHolderLog } from './holder-log.ts';
import type { HolderLog } from './holder-log.ts';
import type { NamespaceOptions } from './namespace.ts';
import { operatorHint } from './operator-hint.ts';
import { readOperatorIdentity } from './operator-identity.ts';
import type { Session } from './session.ts';
import { table } from './table.ts';
import { targetOf } from './target.ts';
import type { TargetOptions } from './target.ts';
import { connectionTo } from './wallet-connection.ts';

export type AuditVerifyOptions = TargetOptions & NamespaceOptions & { readonly output?: 'json' };

/** Checks that no record of the holders' logs was changed or taken out. */
export async function auditVerify(
  session: Session,
  wallet: string,
  holder: string | undefined,
  options: AuditVerifyOptions,
): Promise<void> {
  const target = targetOf(session, options);
  const connection = await connectionTo(session, target, wallet, options);
  const identity = await readOperatorIdentity(target.state);
  const holders = holdersNamed(connection, holder);
  const findings = await Promise.all(holders.map((each) => verifyHolderLog(each, identity, session.signal)));
  if (options.output === 'json') session.print(JSON.stringify(jsonOf(connection, findings), undefined, 2));
  else
    for (const line of table(
      ['Holder', 'Records', 'Head'],
      findings.map(({ holder: name, records, head, error }) => [
        name,
        String(records),
        error === '' ? hex(head.hash) : 'FAILED',
      ]),
    ))
      session.print(line);
  throwFailures(findings, await operatorHint(session, target));
  session.note(
    `verified: ${findings.reduce((sum, { records }) => sum + records, 0)} records of ${findings.length} holders`,
  );
}

const jsonOf = ({ wallet, genesis }: VerifiedConnection, findings: readonly HolderLog[]): unknown => ({
  wallet,
  genesis,
  verified: findings.every(({ error }) => error === ''),
  records: findings.reduce((sum, { records }) => sum + records, 0),
  holders: findings.map(({ holder, records, head, error }) => ({
    name: holder,
    verified: error === '',
    records,
    head: { sequence: String(head.sequence), hash: hex(head.hash) },
    error,
  })),
});
