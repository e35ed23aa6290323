/**
 * Why a request ended or is refused: one closed list for signers, client, command, events and metrics.
 * `denied` means policy or identity said no and asking again changes nothing; `failed` means asking again may succeed.
 */
export const reasons = {
  Malformed: 'denied', // the statement, payload or signature cannot be read; the message says where
  InitiatorUnverified: 'denied', // the initiator is unknown or did not sign these bytes
  IdReused: 'denied', // the id belongs to another request of this initiator
  Expired: 'denied',
  WrongWallet: 'denied', // the statement names another genesis
  UnknownKey: 'denied',
  PolicyDenied: 'denied', // a Deny rule matched, or no Allow rule did
  LimitExceeded: 'denied',
  FeeTooHigh: 'denied',
  Undecodable: 'denied', // the payload is not understood; nothing is guessed
  DecisionMismatch: 'denied', // holders decode the payload differently
  Unsupported: 'denied', // the format or feature is not in this version
  LimitContended: 'failed', // only other unfinished requests stand in the way
  QuorumUnavailable: 'failed', // too few holders reachable; `waits_for` names them
  SignatureMayExist: 'failed', // shares were released and no signature is known: ask again with the same id
  ClockSkew: 'failed',
  EpochMismatch: 'failed',
  PolicyMismatch: 'failed', // holders enforce different policies
  SessionMismatch: 'failed',
  NonceUnknown: 'failed', // retried once by the coordinator
  Busy: 'failed', // a bounded queue is full
  CulpritFound: 'failed', // a cryptographic check failed on a named holder's message
  Unprovisioned: 'failed',
  KeyNotReady: 'failed',
  Unknown: 'failed', // nothing is known of this request here
  Internal: 'failed',
} as const;

export type Reason = keyof typeof reasons;
export type Outcome = 'signed' | 'denied' | 'failed';
export const outcomeOf = (reason: Reason): 'denied' | 'failed' => reasons[reason];
