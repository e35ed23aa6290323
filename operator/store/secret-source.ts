/**
 * Where a Fleet of local processes finds seal keys: in manifests, through the operator's hands. Apart from ResourceStore
 * because a cluster has no such thing: there the operator has no right to any Secret and never reads one. The kubelet
 * mounts what a Signer's seal names into that signer's pod alone; a Secret that is missing shows as a pod that does not
 * start, and one that changes is read when the pod starts again, rather than told to controllers as a change.
 */
export interface SecretSource {
  /** The data of a Secret by its keys; undefined where there is none. Never log it. */
  secret(namespace: string, name: string): Promise<ReadonlyMap<string, Uint8Array> | undefined>;
}
