import type { ClusterWallet } from './cluster-wallet.ts';
import { apply } from './kubectl.ts';
import { onNode } from './node.ts';

/** Room for a signer and what it keeps in reserve, twice, and little more. */
const MEGABYTES = 64;

/**
 * A holder's volume that can be full: memory of a node, as a local PersistentVolume that only its claim gets. To be made
 * before the wallet is applied.
 */
export class SmallVolume {
  readonly #node: string;
  readonly #path: string;

  private constructor(node: string, path: string) {
    this.#node = node;
    this.#path = path;
  }

  static async of({ namespace, name }: ClusterWallet, holder: string, node: string): Promise<SmallVolume> {
    const volume = new SmallVolume(node, `/mnt/${namespace}-${holder}`);
    await onNode(node, `mkdir -p ${volume.#path} && mount -t tmpfs -o size=${MEGABYTES}m tmpfs ${volume.#path}`);
    const storageClassName = `${namespace}-${holder}`;
    await apply({
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: storageClassName },
      spec: {
        storageClassName,
        capacity: { storage: `${MEGABYTES}Mi` },
        accessModes: ['ReadWriteOnce'],
        local: { path: volume.#path },
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] },
            ],
          },
        },
      },
    });
    await apply({
      apiVersion: 'holdfast.dev/v1alpha1',
      kind: 'Signer',
      metadata: { namespace, name: `${name}-${holder}` },
      spec: {
        walletRef: { namespace, name, holder },
        seal: { keySecretRef: { name: `${name}-seal`, key: 'kek' } },
        storage: { size: `${MEGABYTES}Mi`, storageClassName },
      },
    });
    return volume;
  }

  /** Something else takes all that is left. */
  async fill(): Promise<void> {
    await onNode(this.#node, `dd if=/dev/zero of=${this.#path}/else bs=64k 2>/dev/null || true`);
  }

  async empty(): Promise<void> {
    await onNode(this.#node, `rm -f ${this.#path}/else`);
  }
}
