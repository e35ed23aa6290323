import { Option } from 'commander';
import type { Command } from 'commander';
import type { ConnectionHolder, VerifiedConnection } from '../client/connection.ts';
import { hex, quote } from '../common/bytes.ts';
import { UserError } from '../common/errors.ts';
import { nearest } from '../common/nearest.ts';
import { examples } from './examples.ts';
import { exitCodes } from './exit-codes.ts';
import { verifyHolderLog } from './holder-log.ts';
import type { HolderLog } from './holder-log.ts';
import { withNamespace } from './namespace.ts';
import type { NamespaceOptions } from './namespace.ts';
import { readOperatorIdentity } from './operator-identity.ts';
import type { Session } from './session.ts';
import { table } from './table.ts';
import { targetOf, withTarget } from './target.ts';
import type { TargetOptions } from './target.ts';
import { connectionTo } from './wallet-connection.ts';

type Options = TargetOptions & NamespaceOptions & { readonly output?: 'json' };

/** `holdfast audit verify`: that no record of a holder's log was changed or taken out. */
export function addAuditVerify(program: Command, session: Session): void {
  withNamespace(withTarget(program.command('verify')))
    .summary("check holders' audit logs, record by record")
    .description(
      "Reads each holder's audit log from its signer, with the operator's identity, and checks the hash chain from the first\n" +
        'record to the head that the signer names.',
    )
    .argument('<wallet>', 'name, or namespace/name')
    .argument('[holder]', 'one holder; all when absent')
    .addOption(new Option('-o, --output <format>', 'for scripts').choices(['json']))
    .addHelpText(
      'after',
      examples(
        'holdfast audit verify treasury --dir wallets',
        'holdfast audit verify payments/treasury backup -o json --dir wallets',
      ),
    )
    .action((wallet: string, holder: string | undefined, options: Options) =>
      auditVerify(session, wallet, holder, options),
    );
}

async function auditVerify(
  session: Session,
  wallet: string,
  holder: string | undefined,
  options: Options,
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
  const failed = findings.filter(({ error }) => error !== '');
  const [first, ...more] = failed.map(({ holder: name, error }) => `holder ${name}: ${error}`);
  if (first !== undefined)
    throw new UserError(
      first,
      more.map((text) => `and ${text}`),
      exitCodes.error,
    );
  session.note(
    `verified: ${findings.reduce((sum, { records }) => sum + records, 0)} records of ${findings.length} holders`,
  );
}

function holdersNamed({ wallet, holders }: VerifiedConnection, name: string | undefined): readonly ConnectionHolder[] {
  if (name === undefined) return holders;
  const found = holders.filter((holder) => holder.name === name);
  if (found.length > 0) return found;
  const names = holders.map((holder) => holder.name);
  const meant = nearest(name, names);
  throw new UserError(`wallet ${wallet} has no holder ${quote(name)}`, [
    ...(meant === undefined ? [] : [`did you mean ${meant}?`]),
    `it has ${names.join(', ')}`,
  ]);
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
