import type { VerifiedConnection } from '../client/connection.ts';
import { fromHex, quote } from '../common/bytes.ts';
import { UserError } from '../common/errors.ts';
import { nearest } from '../common/nearest.ts';
import { conditionOf } from '../operator/api/conditions.ts';
import type { SigningRequest, Wallet } from '../operator/api/resource.ts';
import { openFolderView } from '../operator/store/folder-view.ts';
import type { FolderView } from '../operator/store/folder-view.ts';
import { addressesOf } from '../policy/address.ts';
import { since } from './age.ts';
import { commandLine } from './command-line.ts';
import { keptShares } from './kept-shares.ts';
import { splitName } from './namespace.ts';
import type { NamespaceOptions } from './namespace.ts';
import { oneLine } from './one-line.ts';
import type { Session } from './session.ts';
import { table } from './table.ts';
import { targetOf } from './target.ts';
import type { TargetOptions } from './target.ts';
import { connectionIfFounded } from './wallet-connection.ts';

export type StatusOptions = TargetOptions & NamespaceOptions & { readonly output?: 'json' };

/** As much of requests and events as one screen has room for. */
const latest = 5;

type Report = {
  readonly wallet: Wallet;
  readonly connection: VerifiedConnection | undefined;
  /** Newest first. */
  readonly requests: readonly SigningRequest[];
  readonly events: Awaited<ReturnType<FolderView['events']>>;
  readonly operator: { readonly pid: number } | undefined;
};

/** Shows a wallet on one screen. */
export async function status(session: Session, word: string, options: StatusOptions): Promise<void> {
  const target = targetOf(session, options);
  const view = await openFolderView(target.folder, { stateDir: target.stateDir });
  const { namespace, name } = splitName(word, options);
  const wallet = await view.get({ kind: 'Wallet', namespace, name });
  if (wallet === undefined) throw await noWallet(view, target.state, namespace, name);
  const requests = (await view.list('SigningRequest'))
    .filter(({ metadata, spec }) => metadata.namespace === namespace && spec.walletRef.name === name)
    .toSorted((a, b) => Date.parse(b.metadata.creationTimestamp) - Date.parse(a.metadata.creationTimestamp))
    .slice(0, latest);
  const events = (await view.events({ kind: 'Wallet', namespace, name }))
    .toSorted((a, b) => Date.parse(b.lastTimestamp) - Date.parse(a.lastTimestamp))
    .slice(0, latest);
  const connection = await connectionIfFounded(session, target, namespace, name);
  const report: Report = { wallet, connection, requests, events, operator: await view.operator() };
  if (options.output === 'json') session.print(JSON.stringify(jsonOf(report), undefined, 2));
  else for (const line of screen(session, report, target.folder)) session.print(line);
}

async function noWallet(view: FolderView, state: string, namespace: string, name: string): Promise<UserError> {
  const known = (await view.list('Wallet')).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  const meant = known.find((other) => other.endsWith(`/${name}`)) ?? nearest(`${namespace}/${name}`, known);
  const { problems } = await view.manifests();
  const kept = keptShares(state, namespace, name);
  return new UserError(`no wallet ${quote(name)} in namespace ${namespace}`, [
    ...(kept === undefined ? [] : [kept]),
    ...(meant === undefined ? [] : [`did you mean ${meant}?`]),
    ...(problems.length === 0 ? [] : ['manifests of the folder have problems: holdfast up tells them']),
  ]);
}

/** Addresses only from certificates, never from what the operator says. */
const keysOf = ({ connection }: Report): readonly (readonly [string, string, string])[] =>
  [...(connection?.keys.values() ?? [])].flatMap(({ key, scheme, publicKey }) =>
    Object.values(addressesOf(scheme, fromHex(publicKey))).map((address) => [key, scheme, address] as const),
  );

const jsonOf = ({ wallet, connection, requests, events, operator }: Report): unknown => ({
  wallet: `${wallet.metadata.namespace}/${wallet.metadata.name}`,
  genesis: connection?.genesis ?? '',
  threshold: wallet.spec.threshold,
  operator: operator === undefined ? null : { pid: operator.pid },
  conditions: wallet.status?.conditions ?? [],
  holders: wallet.spec.holders.map(({ name, role }) => ({ role, ...holderOf(wallet, name) })),
  keys: [...(connection?.keys.values() ?? [])].map(({ key, scheme, publicKey }) => ({
    name: key,
    scheme,
    publicKey,
    addresses: addressesOf(scheme, fromHex(publicKey)),
  })),
  requests: requests.map(({ metadata, status: { conditions } = {} }) => ({
    name: metadata.name,
    reason: conditionOf(conditions, 'Finished')?.reason ?? 'Pending',
    message: conditionOf(conditions, 'Finished')?.message ?? '',
  })),
  events,
});

const holderOf = (wallet: Wallet, name: string) =>
  wallet.status?.holders?.find((holder) => holder.name === name) ?? {
    name,
    available: false,
    message: 'nothing is known of it yet',
  };

function screen(session: Session, report: Report, folder: string): readonly string[] {
  const { wallet, connection, requests, events, operator } = report;
  const { metadata, spec, status: { conditions = [] } = {} } = wallet;
  const now = Date.now();
  const ready = conditionOf(conditions, 'Ready');
  const { paint } = session;
  const good = (is: boolean, text: string): string => paint(is ? 'green' : 'red', text);
  const section = (heads: readonly string[], rows: readonly (readonly string[])[]): readonly string[] =>
    rows.length === 0 ? [] : ['', ...table(heads, rows)];
  const running =
    operator === undefined
      ? paint('yellow', `not running: ${commandLine(session, 'up', folder)}`)
      : `running, pid ${operator.pid}`;
  return [
    `${paint('bold', `wallet ${metadata.namespace}/${metadata.name}`)}: ${ready?.status === 'True' ? good(true, 'Ready') : good(false, `not ready: ${oneLine(ready?.message ?? 'not looked at yet')}`)}`,
    `quorum    ${spec.threshold} of ${spec.holders.length}`,
    `genesis   ${connection?.genesis ?? '<none>'}`,
    `policy    ${spec.policyRef.name}`,
    `operator  ${running}`,
    ...section(
      ['Condition', 'Status', 'Since', 'Message'],
      conditions.map(({ type, status: is, lastTransitionTime, message }) => [
        type,
        is === 'True' ? good(true, is) : paint('yellow', is),
        since(lastTransitionTime, now),
        oneLine(message),
      ]),
    ),
    ...section(
      ['Holder', 'Role', 'Signer', 'Version', 'Fingerprint', 'Message'],
      spec.holders.map(({ name, role }) => {
        const { available, message = '', version = '', fingerprint = '' } = holderOf(wallet, name);
        return [
          name,
          role,
          available ? good(true, 'available') : good(false, 'not available'),
          version || '<none>',
          fingerprint || '<none>',
          available ? '' : oneLine(message),
        ];
      }),
    ),
    ...section(['Key', 'Scheme', 'Address'], keysOf(report)),
    ...section(
      ['Request', 'Key', 'Result', 'Age', 'Message'],
      requests.map(({ metadata: { name, creationTimestamp }, spec: { key }, status: { conditions: own } = {} }) => {
        const finished = conditionOf(own, 'Finished');
        return [
          name,
          key,
          finished?.reason ?? 'Pending',
          since(creationTimestamp, now),
          oneLine(finished?.message ?? ''),
        ];
      }),
    ),
    ...section(
      ['Event', 'Age', 'Count', 'Message'],
      events.map(({ type, reason, message, count, lastTimestamp }) => [
        type === 'Warning' ? paint('yellow', reason) : reason,
        since(lastTimestamp, now),
        String(count),
        oneLine(message),
      ]),
    ),
  ];
}
