import type { ConditionReason } from '../api/reasons.ts';
import type { Wallet } from '../api/resource.ts';

/** Runs signers: child processes (embedded) or pods. Level-triggered: `ensure` says what should be, again and again. */
export interface Fleet {
  /**
   * Starts the signer or leaves it as it is; a changed spec restarts it, and one that ends is started again. Resolves
   * when that is under way, not when it is ready: what keeps it from running is in `observe`.
   */
  ensure(signer: SignerSpec): Promise<void>;
  /** What is there, without waiting; `undefined` where no such signer is known. */
  observe(id: SignerId): Promise<SignerObservation | undefined>;
  /**
   * Stops it, and then resolves. Its state stays for a later `ensure`; `destroy` deletes it, shares included, where the
   * fleet may delete: an operator of a cluster may not.
   */
  remove(id: SignerId, options: { readonly destroy: boolean }): Promise<void>;
  /** The signers that were ensured and not removed, whoever was the operator then. */
  list(): Promise<readonly SignerId[]>;
}

/** One signer: a wallet (`namespace/name`) and one of its holders. */
export type SignerId = { readonly wallet: string; readonly holder: string };

export type SignerSpec = SignerId & {
  /** Where the holder's Signer resource lives, and the Secret of its seal. */
  readonly namespace: string;
  readonly role: Wallet['spec']['holders'][number]['role'];
  /** Fingerprint of the operator allowed to provision: `sha256:` and 64 hex digits. */
  readonly operator: string;
  readonly seal: SealSpec;
};

/** What keeps the key of a signer's seal, and the Secret with that key, or with the PIN of the token. */
export type SealSpec = { readonly secret: string; readonly key: string } & (
  | { readonly kind: 'KeyFile' }
  | {
      readonly kind: 'Pkcs11';
      readonly module: string;
      readonly tokenLabel: string;
      /** A token in files, as SoftHSM's: the fleet makes it before the signer's first start. */
      readonly tokenInFiles: boolean;
    }
);

/** Why a signer is not running. Pending: nobody ensured it since this operator started. */
export type NotRunning = Extract<
  ConditionReason,
  'Pending' | 'Starting' | 'Restarting' | 'SealNotFound' | 'SealInvalid' | 'SealUnavailable' | 'InternalError'
>;

export type SignerObservation = {
  /** It has a process, or a pod, ready or not: it is worth asking. */
  readonly running: boolean;
  /** Restarts since the operator first started it, as many as it saw. */
  readonly restarts: number;
  /**
   * host:port of the sign and peer ports; known before it is ready, "" before its first start. They are kept, but not
   * for ever: compare them with what clients and peers were told.
   */
  readonly signEndpoint: string;
  readonly peerEndpoint: string;
  readonly metricsEndpoint: string;
  /** "" when it is running. */
  readonly reason: NotRunning | '';
  /** The same in words; "" when it is running. */
  readonly message: string;
  /** Of one that is running: that it is not ready, and where to look for why. */
  readonly unready?: string;
  /** Of one that is running: what a change of its spec waits for. */
  readonly waits?: string;
  /** Of one that is running: why it could not be started again. */
  readonly warning?: { readonly reason: NotRunning; readonly message: string };
};
