import { SealUnavailable } from '../ceremony/environment.ts';

/**
 * What keeps the HSM from serving this signer: the states of its token as the sidecar says them (proto/hsm/v1), then
 * those of the sidecar itself. Each lasts until someone mends it; none needs a new start of the signer.
 */
export const hsmStates = [
  'ModuleMissing',
  'TokenMissing',
  'PinMissing',
  'PinRefused',
  'PinLocked',
  'KeyMissing',
  'KeyRefused',
  'MechanismMissing',
  'TokenSlow',
  'TokenFailed',
  'Starting',
  'SidecarMissing',
  'SidecarSilent',
  'SidecarStranger',
  'SidecarFailed',
  'AuditKeyChanged',
  'Busy',
] as const;

export type HsmState = (typeof hsmStates)[number];

const MOST_SAID = 400;

/** Words of a sidecar as logs, metrics and a wallet's status get them: one line, of at most `limit` characters. */
export const said = (text: string, limit = MOST_SAID): string => text.replaceAll(/[\p{C}\s]+/gu, ' ').slice(0, limit);

/** The HSM does not serve now. */
export class HsmUnavailable extends SealUnavailable {
  readonly state: HsmState;
  constructor(state: HsmState, message: string) {
    super(`${state}: ${message}`);
    this.state = state;
  }
}

/** The HSM serves and does not do this: asking again gives the same. */
export class HsmRefused extends Error {
  override readonly name = 'HsmRefused';
  readonly reason: 'WrapRefused' | 'Malformed' | 'KeysNotPrepared';
  constructor(reason: HsmRefused['reason'], message: string) {
    super(`${reason}: ${message}`);
    this.reason = reason;
  }
}
