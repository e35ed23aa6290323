/** A peer of a NetworkPolicy, as Kubernetes has it. */
export type NetworkPeer = {
  readonly podSelector?: Readonly<Record<string, unknown>>;
  readonly namespaceSelector?: Readonly<Record<string, unknown>>;
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
};

/** What is the same for every signer of a cluster: whoever installs the operator says it. */
export type FleetSettings = {
  /** The signer's image by digest, for signers whose Signer names none and that have none yet. */
  readonly signerImage: string;
  /** Names of Secrets, in the namespaces of the signers, with which kubelets pull images. */
  readonly imagePullSecrets: readonly string[];
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  readonly volumes: {
    /** ReadWriteOncePod keeps a second pod from a signer's state; only CSI drivers hold it. */
    readonly accessMode: 'ReadWriteOncePod' | 'ReadWriteOnce';
    /** "" for the cluster's default; a Signer may name another. */
    readonly storageClassName: string;
  };
  /** The operator's own pods, which reach the sign ports. */
  readonly operator: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> };
  /** Name servers, on port 53. */
  readonly dns: readonly NetworkPeer[];
  /** Who may read metrics; nobody when empty. */
  readonly scrapeFrom: readonly NetworkPeer[];
};
