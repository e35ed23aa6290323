/** Runs signers: child processes (embedded) or pods. Level-triggered: `ensure` says what should be, again and again. */
export interface Fleet {
  /** Starts the signer or leaves it as it is; a changed spec restarts it. Resolves when that is under way, not when it is ready. */
  ensure(signer: SignerSpec): Promise<void>;
  /** What is there, without waiting; `undefined` where no such signer is known. */
  observe(id: SignerId): Promise<SignerObservation | undefined>;
  /** Stops it. `destroy` also deletes its state, shares included; else it stays for a later `ensure`. */
  remove(id: SignerId, options: { readonly destroy: boolean }): Promise<void>;
  list(): Promise<readonly SignerId[]>;
}

/** One signer: a wallet (`namespace/name`) and one of its holders. */
export type SignerId = { readonly wallet: string; readonly holder: string };

export type SignerSpec = SignerId & {
  /** Where the holder's Signer resource lives. */
  readonly namespace: string;
  /** Fingerprint of the operator allowed to provision: `sha256:` and 64 hex digits. */
  readonly operator: string;
  readonly seal: { readonly kind: 'KeyFile'; readonly secret: string; readonly key: string };
};

export type SignerObservation = {
  readonly running: boolean;
  /** Restarts since the operator first started it. */
  readonly restarts: number;
  /** host:port of the sign and peer ports; known before it is ready. */
  readonly signEndpoint: string;
  readonly peerEndpoint: string;
  readonly metricsEndpoint: string;
  /** Why it is not running, in words; "" when it is. */
  readonly message: string;
};
