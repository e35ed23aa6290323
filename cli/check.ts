import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../common/clock.ts';
import { messageOf, UserError } from '../common/errors.ts';
import { nearest } from '../common/nearest.ts';
import { quote } from '../common/bytes.ts';
import { version } from '../common/version.ts';
import { descriptionOf } from '../operator/wallet/holder-state.ts';
import { checkCluster } from './check/cluster.ts';
import type { ClusterFacts } from './check/cluster.ts';
import { docs } from './check/docs.ts';
import { countLevels, error, note } from './check/finding.ts';
import type { Group } from './check/finding.ts';
import { checkFolder } from './check/folder.ts';
import { gatherFolder } from './check/folder-facts.ts';
import { checkMachine } from './check/machine.ts';
import type { MachineFacts } from './check/machine.ts';
import { gatherMachine } from './check/machine-facts.ts';
import { screen } from './check/screen.ts';
import { checkVersion } from './check/version.ts';
import { checkWallet } from './check/wallet.ts';
import type { WalletFacts } from './check/wallet.ts';
import { exitCodes } from './exit-codes.ts';
import { splitName } from './namespace.ts';
import type { Session } from './session.ts';
import { targetOf } from './target.ts';
import type { TargetOptions } from './target.ts';

export type CheckOptions = TargetOptions & { readonly wallet?: string; readonly output?: 'json' };

type WalletName = { readonly namespace: string; readonly name: string };

/** What was looked at besides this machine and this version. */
type Looked = {
  readonly groups: readonly Group[];
  /** Undefined where they cannot be read. */
  readonly wallets: readonly WalletFacts[] | undefined;
};

/** Tells whether what there is can work, and how it is: this machine, this version, and a folder or a cluster. */
export async function check(session: Session, options: CheckOptions): Promise<void> {
  const wanted = options.wallet === undefined ? undefined : splitName(options.wallet, {});
  const inFolder = (options.dir ?? session.env['HOLDFAST_DIR'] ?? '') !== '';
  const looking = inFolder ? lookAtFolder(session, options) : lookAtCluster(session, wanted?.namespace);
  const [machine, looked] = await Promise.all([gatherMachine(session), looking]);
  const all = looked.wallets ?? [];
  const wallets = wanted === undefined || looked.wallets === undefined ? all : [named(all, wanted)];
  const groups: readonly Group[] = [
    { title: 'This machine', findings: checkMachine(machine) },
    { title: 'This version', findings: checkVersion({ javaScriptFrost: runsJavaScript(machine, wallets) }) },
    ...looked.groups,
    ...wallets.map((facts) => ({
      title: `Wallet ${facts.wallet.metadata.namespace}/${facts.wallet.metadata.name}`,
      findings: checkWallet(facts),
    })),
  ];
  if (options.output === 'json') session.print(JSON.stringify(jsonOf(groups), undefined, 2));
  else for (const line of screen(groups, session.paint)) session.print(line);
  const counts = countLevels(groups);
  if (counts.warning + counts.error > 0) session.exitWith(exitCodes.found);
}

async function lookAtFolder(session: Session, options: TargetOptions): Promise<Looked> {
  const { folder, wallets } = await gatherFolder(session, targetOf(session, options));
  return { groups: [{ title: `Folder ${folder.folder}`, findings: checkFolder(folder) }], wallets };
}

/** The cluster of the kubeconfig's current context; where there is no kubeconfig, that is a finding too. */
async function lookAtCluster(session: Session, namespace: string | undefined): Promise<Looked> {
  // What only a cluster needs, and takes its time to load.
  const [{ kubeCredentials }, { KubeClient }, { gatherCluster }] = await Promise.all([
    import('../operator/runtime/credentials.ts'),
    import('../operator/runtime/kube-client.ts'),
    import('./check/cluster-facts.ts'),
  ]);
  const read = kubeCredentials();
  const found = await read().catch((why: unknown) => messageOf(why));
  if (typeof found === 'string') return { groups: [withoutTarget(session, found)], wallets: undefined };
  session.note(`target: cluster ${found.server.origin}`);
  const client = new KubeClient({ credentials: read, clock: systemClock, userAgent: `holdfast/${version}` });
  try {
    const facts = await gatherCluster({
      client,
      clock: systemClock,
      namespace: namespace ?? found.namespace,
      signal: session.signal,
      pause: (ms) => pause(ms, undefined, { signal: session.signal }),
    });
    return {
      groups: [{ title: `Cluster ${found.server.origin}`, findings: checkCluster(facts) }],
      wallets: walletsOf(facts),
    };
  } finally {
    client.close();
  }
}

function withoutTarget({ env }: Session, why: string): Group {
  const findings =
    (env['KUBECONFIG'] ?? '') === ''
      ? [
          note('target', `no folder and no cluster to look at: ${why}`, {
            mend: 'add --dir DIR, or set HOLDFAST_DIR or KUBECONFIG',
            docs: docs.target,
          }),
        ]
      : [error('api', why, { mend: 'mend the file that KUBECONFIG names, or unset it', docs: docs.api })];
  return { title: 'Target', findings };
}

const walletsOf = ({ wallets }: ClusterFacts): Looked['wallets'] =>
  wallets.kind !== 'Read'
    ? undefined
    : wallets.value.map((wallet) => ({
        wallet,
        asked: undefined,
        events: [],
        pinnedOtherwise: '',
        unreadable: '',
        up: undefined,
        logs: undefined,
      }));

function named(wallets: readonly WalletFacts[], { namespace, name }: WalletName): WalletFacts {
  const keyOf = ({ wallet: { metadata } }: WalletFacts): string => `${metadata.namespace}/${metadata.name}`;
  const found = wallets.find((facts) => keyOf(facts) === `${namespace}/${name}`);
  if (found !== undefined) return found;
  const known = wallets.map(keyOf);
  const meant = known.find((other) => other.endsWith(`/${name}`)) ?? nearest(`${namespace}/${name}`, known);
  throw new UserError(
    `no wallet ${quote(name)} in namespace ${namespace}`,
    meant === undefined ? ['without --wallet all that there is is looked at'] : [`did you mean ${meant}?`],
  );
}

/** What signers say that were asked; where none was, what one started from here would do. */
function runsJavaScript({ addon }: MachineFacts, wallets: readonly WalletFacts[]): boolean {
  const engines = wallets
    .flatMap(({ asked }) => asked?.holders ?? [])
    .flatMap((holder) => descriptionOf(holder)?.schemes ?? [])
    .map(({ engine }) => engine);
  return engines.length === 0 ? !addon.loaded : engines.includes('noble');
}

const jsonOf = (groups: readonly Group[]): unknown => ({
  version,
  counts: countLevels(groups),
  findings: groups.flatMap(({ title, findings }) => findings.map((finding) => ({ group: title, ...finding }))),
});
