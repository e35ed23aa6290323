import { onTestFinished } from 'vitest';
import { systemClock } from '../../../../common/clock.ts';
import type { Clock } from '../../../../common/clock.ts';
import { silentLog } from '../../../../common/log.ts';
import type { Resource, Signer, Wallet } from '../../../api/resource.ts';
import type { OtherOperator } from '../../../reach.ts';
import { KubeClient } from '../../../runtime/kube-client.ts';
import { nameOf, pathOf } from '../../../runtime/kube-object.ts';
import { ApiServer } from '../../../runtime/testing/api-server.ts';
import type { Asked } from '../../../runtime/testing/api-server.ts';
import type { Stored } from '../../../runtime/testing/api-state.ts';
import { aSigner, aWallet, conditionsOf } from '../../../testing/objects.ts';
import { MemoryStore } from '../../../testing/memory-store.ts';
import type { SignerSpec } from '../../fleet.ts';
import type { FleetSettings } from '../fleet-settings.ts';
import { openKubernetesFleet } from '../kubernetes-fleet.ts';
import type { KubernetesFleet } from '../kubernetes-fleet.ts';
import { typeOf } from '../managed-objects.ts';
import { setType } from '../signer-set.ts';
import { digestOf, settings } from './facts.ts';
import { PlayedCluster } from './played-cluster.ts';

export type FleetOverApi = {
  readonly fleet: KubernetesFleet;
  readonly server: ApiServer;
  readonly cluster: PlayedCluster;
  readonly store: MemoryStore;
  /** As a user speaks to the server. */
  readonly user: KubeClient;
  /** Another operator over the same API; the last is gone without a word. */
  reopen(over?: OpenOptions): Promise<KubernetesFleet>;
  /** Writes that were asked of the server by fleets, reads by patch among them. */
  writes(): readonly Asked[];
  object(kind: Parameters<typeof typeOf>[0], name: string, namespace?: string): Stored | undefined;
};

type OpenOptions = {
  readonly settings?: Partial<FleetSettings>;
  readonly namespaces?: readonly string[];
  readonly others?: readonly OtherOperator[];
  readonly clock?: Clock;
};

/** A fleet over an API server in process, whose pods are played. It ends with the test. */
export async function fleetOverApi(
  resources: readonly Resource[] = founded(),
  over: OpenOptions = {},
): Promise<FleetOverApi> {
  const server = await new ApiServer().start();
  onTestFinished(() => server.close());
  const cluster = new PlayedCluster(server);
  onTestFinished(() => cluster.stop());
  const store = new MemoryStore(...resources);
  const client = (userAgent: string): KubeClient => {
    const opened = new KubeClient({ credentials: server.credentials, clock: systemClock, userAgent });
    onTestFinished(() => opened.close());
    return opened;
  };
  const open = async (given: OpenOptions): Promise<KubernetesFleet> => {
    const fleet = await openKubernetesFleet({
      client: client('test-operator'),
      store,
      settings: { ...settings, ...given.settings },
      namespaces: given.namespaces ?? [],
      ...(given.others !== undefined && { others: given.others }),
      clock: given.clock ?? systemClock,
      log: silentLog,
      signal: new AbortController().signal,
    });
    onTestFinished(() => fleet.close());
    return fleet;
  };
  let last = await open(over);
  return {
    fleet: last,
    server,
    cluster,
    store,
    user: client('test-user'),
    async reopen(given = over) {
      await last.close();
      last = await open(given);
      return last;
    },
    writes: () =>
      server.asked.filter(({ method, headers }) => method !== 'GET' && headers['user-agent'] === 'test-operator'),
    object: (kind, name, namespace = 'payments') => server.get(pathOf(typeOf(kind), { namespace, name })),
  };
}

/** A wallet, with Signers of all its holders that serve. */
export const withSigners = (wallet: Wallet, spec: Partial<Signer['spec']> = {}): readonly [Wallet, ...Signer[]] => {
  const { name, namespace } = wallet.metadata;
  const signers = wallet.spec.holders.map((holder) =>
    aSigner(holder.name, {
      meta: {
        name: `${name}-${holder.name}`,
        uid: `uid-of-${name}-${holder.name}`,
        namespace: holder.namespace ?? namespace,
      },
      spec: { walletRef: { namespace, name, holder: holder.name }, ...spec },
      status: { conditions: conditionsOf(['Ready', 'True', 'Serving']) },
    }),
  );
  return [wallet, ...signers];
};

/** The same of a wallet that has something to lose. */
export const founded = (wallet = aWallet(), spec: Partial<Signer['spec']> = {}): readonly [Wallet, ...Signer[]] =>
  withSigners({ ...wallet, status: { genesis: digestOf('7') } }, spec);

export const specOf = (
  { spec: { walletRef }, metadata: { namespace } }: Signer,
  role: SignerSpec['role'] = 'Client',
): SignerSpec => ({
  wallet: nameOf(walletRef),
  holder: walletRef.holder,
  role,
  namespace,
  operator: digestOf('0'),
  seal: { kind: 'KeyFile', secret: 'treasury-seal', key: 'kek' },
});

export const setPath = (name: string, namespace = 'payments'): string => pathOf(setType, { namespace, name });
