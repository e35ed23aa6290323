import type { Reason } from '../../common/reasons.ts';

/**
 * Why a condition is as it is: a closed list, of which the reference documentation is made.
 * A finished SigningRequest has, besides these, the reasons of common/reasons.ts. This version gives no reason whose
 * meaning begins with "Later".
 */
export const conditionReasons = {
  // Any kind
  InvalidSpec: 'The object breaks a rule of its kind; the message says where and what would be right.',
  FeatureUnsupported: 'The object asks for something that this version does not have; the message names it.',
  Pending: 'Not looked at yet.',
  Deleting: 'The object is being deleted.',
  InternalError: 'The operator failed and tries again; its log says more.',

  // Wallet
  Ready: 'Keys are generated and a quorum is available.',
  PolicyNotFound: 'The SigningPolicy that policyRef names does not exist.',
  PolicyInvalid: 'The SigningPolicy that policyRef names is not valid.',
  WaitingForHolder:
    'A holder in another namespace has not written its Signer yet, or the owner of a signer that runs elsewhere has not accepted the genesis; the message says what to do.',
  WaitingForSigners: 'Signers are starting; founding the wallet needs all of them.',
  SignerUnavailable: 'A signer does not answer or does not serve; a quorum is still available.',
  QuorumLost: 'Fewer signers are available than a signature needs.',
  AllAvailable: 'Every signer answers and serves.',
  GeneratingKeys: 'Holders are generating a key together.',
  AllGenerated: 'Every key has a certificate that all holders signed.',
  KeygenFailed: 'The last attempt to generate a key failed; holders try again.',
  SchemeUnsupported:
    "A holder's signer has no engine for the scheme of a key, or is older than it; the message names holder and cause.",
  ProvisioningFailed: 'A signer refused its genesis; the message says why.',
  GenesisMismatch: 'A signer belongs to another genesis than this wallet.',
  OperatorTrustedOnce: 'genesis.confirm is None: the operator was trusted when the wallet was founded.',
  ApproversConfirmed: "Later: the policy's change quorum approved the genesis.",
  WaitingForConfirmation: "Later: the genesis waits for approvals of the policy's change quorum.",
  AllEnforce: 'Every holder enforces this policy.',
  NoSharedCustody: 'As far as can be seen, no namespace, machine or operator holds enough shares to sign.',
  SharedNamespace: 'One namespace holds enough shares to sign.',
  SharedMachine: 'One machine holds enough shares to sign.',

  // Signer
  Serving: 'The signer answers and serves.',
  Starting: 'The signer is starting.',
  Restarting: 'The signer ended and is started again, after a growing pause.',
  RollbackDetected:
    'A signer came back with an older or another audit log than its peers remember: it stopped, or they refuse it; the message says what to do.',
  NotServing: 'The signer answers but does not serve; the message says why.',
  FingerprintMismatch:
    "Another key answers at the signer's address than the one that spec.external names, or that was learnt at first contact; nothing is sent to it.",
  Unreachable: 'A signer that runs elsewhere does not answer; the message says what became of dialling it.',
  SealNotFound: 'The Secret of the seal, or its key, does not exist.',
  SealInvalid:
    'The key of the seal is not 32 bytes, or another one than the signer was started with; the message says which.',
  SealUnavailable:
    'The HSM of the seal does not serve; the message has its state and what ends it. The signer need not be started anew.',
  WalletNotFound: 'The Wallet that walletRef names does not exist.',
  WalletNotSeen:
    'The Wallet is in a namespace that this operator does not see. A signer that runs is left as it is; none is started.',
  OperatorUnknown:
    'The Wallet is of another operator, whose fingerprint this one was not told. A signer that runs is left as it is; none is started.',
  HolderNotFound: 'The Wallet has no such holder, or expects it in another namespace.',
  AnotherSignerServes: 'An older Signer serves this holder already.',

  // SigningPolicy
  Valid: 'The policy can be enforced as written.',
  InvalidPolicy: 'The policy contradicts itself or names what it does not have; the message says where.',
  NotReferenced: 'No Wallet refers to this policy.',
  Enforced: 'Every holder acknowledged this policy.',
  WaitingForHolders: 'Some holders have not acknowledged this policy.',
  ChangeProposed: 'Later: the policy was edited; the change waits for approvals and its time lock.',
  ChangeUnsupported: 'The policy was edited, and this version cannot change a policy that is enforced.',

  // SigningRequest
  WaitingForWallet: 'The Wallet does not exist or its key is not generated.',
  WaitingForApprovals: 'Later: the request waits for approvals; the message says whose.',
  TimeLocked: 'Later: the request waits for its time lock.',
  Signing: 'Signers are asked to sign.',
  NoApprovalNeeded: 'The rules that allow the request need no approvals.',
  ApprovalsComplete: 'Later: there are all approvals that the rules need.',
  Signed: 'The request is signed.',
  Rejected: 'Later: approvers rejected the request.',

  // Approval
  Recorded: 'Later: every available holder has the approval.',
  TargetNotFound: 'Later: the object that targetRef names does not exist.',
} as const satisfies Readonly<Record<string, string>>;

export type ConditionReason = keyof typeof conditionReasons | Reason;

/**
 * What happened to an object: a closed list, of which the reference documentation is made. This version tells of nothing
 * whose meaning begins with "Later".
 */
export const eventReasons = {
  KeysGenerated: 'Every key of the wallet has a certificate.',
  CeremonySucceeded: 'A ceremony ended well.',
  CeremonyFailed: 'A ceremony failed; the message says whom it waited for.',
  PolicyDenied: 'Signers refused a request; the message names the rule.',
  WaitingForApprovals: 'Later: a request waits for approvals.',
  ApprovalRecorded: 'Later: signers recorded an approval or a rejection.',
  TimeLocked: 'Later: a request waits for its time lock.',
  PolicyChangeProposed: 'Later: a change of the policy was handed to the signers.',
  PolicyEnforced: 'Every holder enforces the policy.',
  SignerUnavailable: 'A signer stopped to answer or to serve.',
  SealUnusable: "The Secret of a running signer's seal is gone or is another: the signer could not be started again.",
  SignerRestored: 'A signer answers and serves again.',
  CulpritFound: "A cryptographic check failed on a holder's message.",
  CounterpartyBanned:
    'Two holders never sign together again with an ECDSA key; another quorum does, or the funds are moved to a new key.',
  RollbackDetected:
    'A signer came back with an older or another audit log than its peers remember: it stopped, or they refuse it; nothing clears this in this version.',
  ClockSkew: "A signer's clock differs too much.",
  InvalidManifest: 'A manifest of the object cannot be used; what it said before stays in force.',
} as const satisfies Readonly<Record<string, string>>;

export type EventReason = keyof typeof eventReasons;
