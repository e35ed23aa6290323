/**
 * Where a Fleet of local processes finds seal keys. Apart from ResourceStore, because on Kubernetes
 * pods mount Secrets by name and the operator never reads one.
 */
export interface SecretSource {
  /** The data of a Secret by its keys; undefined where there is none. Never log it. */
  secret(namespace: string, name: string): Promise<ReadonlyMap<string, Uint8Array> | undefined>;
}
