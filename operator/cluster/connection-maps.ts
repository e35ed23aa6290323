import type { KubeClient } from '../runtime/kube-client.ts';
import type { ResourceType } from '../runtime/kube-object.ts';
import { applyObject } from '../runtime/objects.ts';
import { walletConnectionMap } from '../fleet/kubernetes/wallet-objects.ts';
import { statusManager } from '../store/kubernetes/field-managers.ts';
import type { PublishedConnections } from '../wallet/wallet-controller.ts';

export const configMapType: ResourceType = { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps' };

/**
 * Connections as ConfigMaps beside their Wallets, for services to mount. The operator may write them and not read them
 * (no right over the other ConfigMaps of a namespace), so one that somebody changed or deleted comes back when the
 * wallet's connection changes or another operator leads: to write each anew all the time would load the server with
 * what nobody needs. A Wallet owns its own, which goes with it.
 */
export const connectionMaps = (client: Pick<KubeClient, 'request'>): PublishedConnections => ({
  republishMs: Infinity,
  async publish(wallet, connection) {
    await applyObject(client, configMapType, walletConnectionMap(wallet, connection), {
      fieldManager: statusManager('Wallet'),
    });
  },
  async withdraw() {},
});
