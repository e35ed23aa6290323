import type { Signer } from '../../api/resource.ts';
import type { FleetSettings } from './fleet-settings.ts';
import { keepsShares, signerLabels } from './signer-labels.ts';

const SIZE = '2Gi';
const TOKEN_SIZE = '64Mi';

/**
 * Name of the claim of a signer's state, or of its token. By wallet and holder: a Signer that is written anew, under
 * whatever name, finds the share that its predecessor kept. None of the three names has a dot.
 */
export const claimName = ({ spec: { walletRef } }: Signer, volume: 'state' | 'token'): string =>
  ['holdfast', walletRef.namespace, walletRef.name, walletRef.holder, volume].join('.');

/** The claims of a signer. Nothing owns them: no deletion of anything else deletes a share. */
export function signerClaims(signer: Signer, { volumes }: FleetSettings) {
  const { storage, seal } = signer.spec;
  const token = seal?.pkcs11?.storage;
  return [
    claim('state', { size: SIZE, ...storage }),
    ...(token === undefined ? [] : [claim('token', { size: TOKEN_SIZE, ...token })]),
  ];

  function claim(volume: 'state' | 'token', wanted: { readonly size: string; readonly storageClassName?: string }) {
    const storageClassName = wanted.storageClassName ?? volumes.storageClassName;
    return {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: {
        namespace: signer.metadata.namespace,
        name: claimName(signer, volume),
        labels: {
          ...signerLabels(signer),
          ...keepsShares,
          // A copy of a signer's state that is restored is a rollback: no tool that copies volumes should have one.
          'velero.io/exclude-from-backup': 'true',
        },
      },
      spec: {
        accessModes: [volumes.accessMode],
        resources: { requests: { storage: wanted.size } },
        ...(storageClassName !== '' && { storageClassName }),
      },
    } as const;
  }
}
