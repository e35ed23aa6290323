import { encodeConnection } from '../../../client/connection.ts';
import type { Connection } from '../../../client/connection.ts';
import type { Signer, Wallet } from '../../api/resource.ts';
import { ownedBy } from './manifest.ts';
import { managed, walletSelector } from './signer-labels.ts';

const walletLabels = ({ metadata: { namespace, name } }: Wallet) => ({
  'app.kubernetes.io/name': 'holdfast-wallet',
  'app.kubernetes.io/instance': name,
  'app.kubernetes.io/part-of': 'holdfast',
  ...managed,
  'holdfast.dev/wallet-namespace': namespace,
  'holdfast.dev/wallet': name,
});

/**
 * How many of a wallet's signers in one namespace may be evicted at once: as many as signing can do without.
 * `signers` are those in `namespace`, at least one: the first owns it where the Wallet is elsewhere.
 */
export function walletDisruptionBudget(wallet: Wallet, namespace: string, signers: readonly Signer[]) {
  const owner = namespace === wallet.metadata.namespace ? wallet : signers[0];
  if (owner === undefined) throw new Error(`disruption budget in ${namespace}: no signer of the wallet is there`);
  const { threshold, holders } = wallet.spec;
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: {
      namespace,
      name: `holdfast.${wallet.metadata.namespace}.${wallet.metadata.name}`,
      labels: walletLabels(wallet),
      ownerReferences: ownedBy(owner),
    },
    spec: {
      maxUnavailable: holders.length - threshold,
      selector: { matchLabels: { ...walletSelector(wallet.metadata), ...managed } },
      // A pod that does not become ready must not keep a machine from being drained.
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    },
  } as const;
}

/** What services mount to reach a wallet and to verify what it says. Nothing in it is secret. */
export const walletConnectionMap = (wallet: Wallet, connection: Connection) =>
  ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      namespace: wallet.metadata.namespace,
      name: `${wallet.metadata.name}-connection`,
      labels: walletLabels(wallet),
      ownerReferences: ownedBy(wallet),
    },
    data: { 'connection.json': encodeConnection(connection) },
  }) as const;
