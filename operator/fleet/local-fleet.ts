import type { Clock } from '../../common/clock.ts';
import type { Log } from '../../common/log.ts';
import type { SecretSource } from '../store/secret-source.ts';
import type { Fleet } from './fleet.ts';
import type { SignerCommand } from './signer-command.ts';

/** A Fleet of child processes. They outlive it: `close` only stops watching them. */
export interface LocalFleet extends Fleet {
  close(): Promise<void>;
}

export type LocalFleetOptions = {
  /** `DIR/.holdfast`, which is this operator's alone. */
  readonly folder: string;
  readonly secrets: SecretSource;
  readonly command: SignerCommand;
  readonly log: Log;
  readonly clock?: Clock;
};

/** Takes up the signers under `folder` again: those that run are left as they are. */
export async function openLocalFleet(_options: LocalFleetOptions): Promise<LocalFleet> {
  throw new Error('not yet');
}
