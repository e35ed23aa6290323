import type { Log } from '../common/log.ts';
import type { ResourceStore } from './store/resource-store.ts';

export type EmbeddedOptions = {
  /** The folder of manifests: only read, but for `.holdfast` in it. */
  readonly dir: string;
  /** Stops the operator. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Whether signers end with the operator; else they go on and the next one finds them. */
  readonly stopSigners?: boolean;
  /** Where metrics and health are served, host:port; a free port of loopback where it is not given. */
  readonly metricsListen?: string;
  /** What is wrong with the manifests, one line each, whenever that changes. */
  readonly onProblems?: (problems: readonly string[]) => void;
};

/** An operator at work in this process. */
export type Embedded = {
  /** Every resource as it is, with its status. */
  readonly store: ResourceStore;
  /** host:port of `/metrics`, `/healthz` and `/readyz`. */
  readonly metricsEndpoint: string;
  /** Settles when the operator has stopped, because of `signal` or an error. */
  readonly ended: Promise<void>;
};

/**
 * Runs the operator over a folder of manifests with signers as child processes. Resolves once it is at work; throws
 * a UserError where the folder cannot be used or another operator uses it.
 */
export function runEmbedded(_options: EmbeddedOptions): Promise<Embedded> {
  throw new Error('not yet');
}

/** Where the operator writes how clients reach a wallet, for client/connection.ts to read. */
export const connectionFile = (dir: string, wallet: string): string => `${dir}/.holdfast/connections/${wallet}.json`;
