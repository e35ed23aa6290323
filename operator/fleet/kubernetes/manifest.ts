import type { Signer, Wallet } from '../../api/resource.ts';
import type { OwnerReference } from '../../runtime/kube-object.ts';
import type { Labels } from './signer-labels.ts';

/** A Kubernetes object as it is applied: complete, so that what it leaves out is removed. */
export type Manifest = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly namespace: string;
    readonly name: string;
    readonly labels: Labels;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly OwnerReference[];
  };
};

/** What goes when its owner goes. Owners are of the same namespace only. */
export const ownedBy = ({ apiVersion, kind, metadata: { name, uid } }: Signer | Wallet): readonly OwnerReference[] => [
  { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true },
];
