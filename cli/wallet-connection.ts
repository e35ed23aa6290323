import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { VerifiedConnection } from '../client/connection.ts';
import { readConnectionFile } from '../client/connection-file.ts';
import { quote } from '../common/bytes.ts';
import { UserError } from '../common/errors.ts';
import { nearest } from '../common/nearest.ts';
import type { CertificateStatement } from '../statement/statements.ts';
import { commandLine } from './command-line.ts';
import { checkKnown } from './known-wallets.ts';
import { splitName } from './namespace.ts';
import type { NamespaceOptions } from './namespace.ts';
import type { Session } from './session.ts';
import type { Target } from './target.ts';

/** How to reach the wallet that `word` names, verified and compared with what was pinned of it. */
export async function connectionTo(
  session: Session,
  target: Target,
  word: string,
  options: NamespaceOptions,
): Promise<VerifiedConnection> {
  const { namespace, name } = splitName(word, options);
  const connection = await connectionIfFounded(session, target, namespace, name);
  if (connection === undefined) throw await notThere(session, target, namespace, name);
  return connection;
}

/** The same, undefined for a wallet that is not founded yet. */
export async function connectionIfFounded(
  session: Session,
  target: Target,
  namespace: string,
  name: string,
): Promise<VerifiedConnection | undefined> {
  const file = join(target.state, 'connections', namespace, `${name}.json`);
  const connection = await readConnectionFile(file);
  if (connection === undefined) return undefined;
  if (connection.wallet !== `${namespace}/${name}`)
    throw new UserError(`${file}: is of wallet ${quote(connection.wallet)}, want ${namespace}/${name}`);
  await checkKnown(session, target.folder, connection);
  return connection;
}

/** The wallet of a file as the ConfigMap WALLET-connection of a cluster has it, verified and compared with what was pinned. */
export async function connectionIn(session: Session, file: string): Promise<VerifiedConnection> {
  const connection = await readConnectionFile(file);
  if (connection === undefined)
    throw new UserError(`--connection: there is no file ${quote(file, 200)}`, [
      "kubectl -n NAMESPACE get configmap WALLET-connection -o jsonpath='{.data.connection\\.json}' prints what has to be in it",
    ]);
  await checkKnown(session, resolve(file), connection);
  return connection;
}

async function notThere(session: Session, target: Target, namespace: string, name: string): Promise<UserError> {
  const folder = join(target.state, 'connections');
  const files = await readdir(folder, { recursive: true }).catch(() => []);
  const known = files.filter((file) => file.endsWith('.json')).map((file) => file.slice(0, -'.json'.length));
  const wanted = `${namespace}/${name}`;
  const meant = known.find((wallet) => wallet.endsWith(`/${name}`)) ?? nearest(wanted, known);
  return new UserError(`wallet ${wanted}: nothing is known of how to reach it`, [
    ...(meant === undefined ? [] : [`did you mean ${meant}?`]),
    `it is known once the operator has founded it: ${commandLine(session, 'up', target.folder)}`,
  ]);
}

/** The certificate of the wallet's key `name`. */
export function certificateOf(connection: VerifiedConnection, name: string): CertificateStatement {
  const certificate = connection.keys.get(name);
  if (certificate !== undefined) return certificate;
  const names = [...connection.keys.keys()];
  const meant = nearest(name, names);
  throw new UserError(`wallet ${connection.wallet} has no key ${quote(name)}`, [
    ...(meant === undefined ? [] : [`did you mean ${meant}?`]),
    names.length === 0 ? 'its keys are not generated yet: holdfast status shows why' : `it has ${names.join(', ')}`,
  ]);
}
