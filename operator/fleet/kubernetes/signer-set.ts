import type { KubeObject, ResourceType } from '../../runtime/kube-object.ts';
import type { SignerId } from '../fleet.ts';
import { containers } from './pod-layout.ts';
import { managed, signersOnly } from './signer-labels.ts';

export const setType: ResourceType = { apiVersion: 'apps/v1', kind: 'StatefulSet', plural: 'statefulsets' };

/** A StatefulSet as far as the operator reads it: its status is all that is seen of a pod. */
export type SignerSet = KubeObject & {
  readonly spec?: {
    readonly replicas?: number;
    readonly template?: {
      readonly spec?: { readonly containers?: readonly { readonly name: string; readonly image?: string }[] };
    };
  };
  readonly status?: {
    readonly observedGeneration?: number;
    /** Pods that there are, those that end included. */
    readonly replicas?: number;
    readonly readyReplicas?: number;
    readonly currentRevision?: string;
    readonly updateRevision?: string;
  };
};

/** Whose signer a StatefulSet is; undefined where the operator did not make it. */
export function signerOf({ metadata: { labels = {} } }: KubeObject): SignerId | undefined {
  if (!Object.entries({ ...managed, ...signersOnly }).every(([name, value]) => labels[name] === value))
    return undefined;
  const {
    'holdfast.dev/wallet-namespace': namespace,
    'holdfast.dev/wallet': wallet,
    'holdfast.dev/holder': holder,
  } = labels;
  if (namespace === undefined || wallet === undefined || holder === undefined) return undefined;
  return { wallet: `${namespace}/${wallet}`, holder };
}

/** Whether a pod is asked for. */
export const isWanted = ({ spec }: SignerSet): boolean => (spec?.replicas ?? 1) > 0;

/** Whether the controller has acted on the latest spec. */
const isObserved = ({ metadata, status }: SignerSet): boolean =>
  (status?.observedGeneration ?? 0) >= (metadata.generation ?? 1);

/** Whether there may be a pod, if only one that ends. */
export const mayHavePod = (set: SignerSet): boolean => !isObserved(set) || (set.status?.replicas ?? 0) > 0;

export const hasPod = ({ status }: SignerSet): boolean => (status?.replicas ?? 0) > 0;

export const isReady = ({ status }: SignerSet): boolean => (status?.readyReplicas ?? 0) > 0;

/** Whether the latest template has not had a ready pod yet: until then the controller does not call it the current one. */
export const isChanging = (set: SignerSet): boolean =>
  isWanted(set) && (!isObserved(set) || set.status?.currentRevision !== set.status?.updateRevision);

export const imageOf = ({ spec }: SignerSet): string | undefined =>
  spec?.template?.spec?.containers?.find(({ name }) => name === containers.signer)?.image;

export const podName = ({ metadata: { name } }: KubeObject): string => `${name}-0`;
