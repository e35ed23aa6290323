/** What keeps a token from serving; lasts until someone or the token itself mends it. */
export const tokenStates = [
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
] as const;

export type TokenState = (typeof tokenStates)[number];
/** A state of the token, or what is wrong with one call. */
export type FaultReason = TokenState | 'Malformed' | 'WrapRefused' | 'Busy' | 'KeysNotPrepared';

/** Why the sidecar did not do what it was asked to. Messages carry neither PIN nor key. */
export class TokenFault extends Error {
  override readonly name = 'TokenFault';
  readonly reason: FaultReason;
  constructor(reason: FaultReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

export const isTokenState = (reason: FaultReason): reason is TokenState =>
  (tokenStates as readonly string[]).includes(reason);
