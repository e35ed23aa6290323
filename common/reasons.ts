/**
 * Why a request ended or is refused: one closed list for signers, client, command, events and metrics, of which the
 * reference documentation is made. `denied` means policy or identity said no and asking again changes nothing;
 * `failed` means asking again may succeed.
 */
export const reasons = {
  Malformed: {
    outcome: 'denied',
    meaning: 'The statement, payload or signature cannot be read; the message says where.',
  },
  InitiatorUnverified: { outcome: 'denied', meaning: 'The initiator is unknown or did not sign these bytes.' },
  IdReused: { outcome: 'denied', meaning: 'The id belongs to another request of this initiator.' },
  Expired: { outcome: 'denied', meaning: 'The request came after its expiresAt.' },
  WrongWallet: { outcome: 'denied', meaning: 'The statement names another genesis.' },
  UnknownKey: { outcome: 'denied', meaning: 'The wallet has no key of that name.' },
  PolicyDenied: { outcome: 'denied', meaning: 'A Deny rule matched, or no Allow rule did.' },
  LimitExceeded: {
    outcome: 'denied',
    meaning: 'A limit of the rule that would allow it has no room left; the message says how much there is.',
  },
  FeeTooHigh: {
    outcome: 'denied',
    meaning: 'The worst case of the fee is above what the policy takes for this chain, or the chain has no entry.',
  },
  Undecodable: { outcome: 'denied', meaning: 'The payload is not understood; nothing is guessed.' },
  DecisionMismatch: { outcome: 'denied', meaning: 'Holders decode the payload differently.' },
  Unsupported: { outcome: 'denied', meaning: 'The format or feature is not in this version.' },
  LimitContended: { outcome: 'failed', meaning: 'Only other unfinished requests stand in the way.' },
  QuorumUnavailable: {
    outcome: 'failed',
    meaning: 'Too few holders are reachable; the message names whom it waits for.',
  },
  SignatureMayExist: {
    outcome: 'failed',
    meaning: 'Shares were released and no signature is known: ask again with the same id.',
  },
  ClockSkew: { outcome: 'failed', meaning: 'Clocks of two holders are more than 60 s apart.' },
  EpochMismatch: { outcome: 'failed', meaning: 'Holders have shares of different generations.' },
  PolicyMismatch: { outcome: 'failed', meaning: 'Holders enforce different policies.' },
  SessionMismatch: { outcome: 'failed', meaning: 'What a coordinator asked for is not what its session is bound to.' },
  NonceUnknown: {
    outcome: 'failed',
    meaning: 'A commitment was used or is of an earlier start; the coordinator retries once.',
  },
  Busy: { outcome: 'failed', meaning: 'A bounded queue is full.' },
  StorageFull: {
    outcome: 'failed',
    meaning: "The disk of a signer's state is full; it signs again once there is room.",
  },
  CulpritFound: { outcome: 'failed', meaning: "A cryptographic check failed on a named holder's message." },
  CounterpartyBanned: {
    outcome: 'failed',
    meaning:
      'Two holders never sign together again with this ECDSA key: a message of one failed a check that protects the share of the other. Another quorum signs; where there is none, move the funds to a new key.',
  },
  RollbackDetected: {
    outcome: 'failed',
    meaning:
      'The signer came back with an older or another audit log than its peers remember; this cannot be cleared in this version.',
  },
  Unprovisioned: { outcome: 'failed', meaning: 'The signer has no genesis yet.' },
  GenesisNotAccepted: {
    outcome: 'failed',
    meaning: 'The owner of a signer that runs elsewhere has not accepted the genesis that it is offered.',
  },
  KeyNotReady: { outcome: 'failed', meaning: 'The key is still being generated.' },
  Unknown: { outcome: 'failed', meaning: 'Nothing is known of this request here.' },
  Internal: { outcome: 'failed', meaning: 'A signer failed; its log says more.' },
} as const;

export type Reason = keyof typeof reasons;
export type Outcome = 'signed' | 'denied' | 'failed';
export const outcomeOf = (reason: Reason): 'denied' | 'failed' => reasons[reason].outcome;
