import { Option } from 'commander';
import type { Command } from 'commander';
import type { ConnectionHolder, VerifiedConnection } from '../client/connection.ts';
import type { ClientIdentity } from '../client/pinned-tls.ts';
import { SignerClient } from '../client/signer-client.ts';
import { equal, hex, quote } from '../common/bytes.ts';
import { UserError, messageOf } from '../common/errors.ts';
import { nearest } from '../common/nearest.ts';
import { emptyHead, verifyChain } from '../statement/audit.ts';
import type { AuditRecord, Head } from '../statement/audit.ts';
import { examples } from './examples.ts';
import { exitCodes } from './exit-codes.ts';
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

type Finding = { readonly holder: string; readonly records: number; readonly head: Head; readonly error: string };

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
  const findings = await Promise.all(holders.map((each) => verifyHolderLog(session, each, identity)));
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

async function verifyHolderLog(
  session: Session,
  { name, endpoint, fingerprint }: ConnectionHolder,
  identity: ClientIdentity,
): Promise<Finding> {
  let checked = { records: 0, head: emptyHead };
  let client: SignerClient | undefined;
  try {
    client = await SignerClient.connect({ address: endpoint, fingerprint, identity }, session.signal);
    const { head } = await client.describe(session.signal);
    for await (const chunk of chunks(client.audit(0n, session.signal))) {
      // The last record of a chunk begins the next, so that times are compared across the edge too.
      const { records, head: end } = verifyChain(chunk.records, chunk.from);
      checked = { records: checked.records + records - (chunk.repeats ? 1 : 0), head: end };
    }
    // Records since the head was named are fine; records before it that are missing are not.
    if (head !== undefined && checked.head.sequence < head.sequence)
      throw new Error(`the signer names ${head.sequence} records and gives ${checked.head.sequence}`);
    if (
      head !== undefined &&
      checked.head.sequence === head.sequence &&
      head.sequence > 0n &&
      !equal(checked.head.hash, head.hash)
    )
      throw new Error('the signer names another head than its records have');
    return { holder: name, ...checked, error: '' };
  } catch (error) {
    session.signal.throwIfAborted();
    return { holder: name, ...checked, error: messageOf(error) };
  } finally {
    client?.close();
  }
}

type Chunk = { readonly from: Head; readonly records: readonly AuditRecord[]; readonly repeats: boolean };
const chunkSize = 4096;

/** A log in parts that fit into memory, each from the second on beginning with the last record of the one before. */
async function* chunks(log: AsyncIterable<AuditRecord>): AsyncGenerator<Chunk, void, undefined> {
  let from = emptyHead;
  let records: AuditRecord[] = [];
  let repeats = false;
  for await (const record of log) {
    records.push(record);
    if (records.length < chunkSize) continue;
    yield { from, records, repeats };
    const [before, last] = records.slice(-2);
    from = before ?? from;
    records = last === undefined ? [] : [last];
    repeats = true;
  }
  if (records.length > (repeats ? 1 : 0)) yield { from, records, repeats };
}

const jsonOf = ({ wallet, genesis }: VerifiedConnection, findings: readonly Finding[]): unknown => ({
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
