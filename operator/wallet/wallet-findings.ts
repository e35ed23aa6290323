import type { Wallet as VerifiedWallet } from '../../client/wallet-facts.ts';
import { conditionOf } from '../api/conditions.ts';
import type { Finding } from '../api/conditions.ts';
import type { Signer, Wallet } from '../api/resource.ts';
import { toldWithoutEffect, walletWithoutEffect } from '../api/without-effect.ts';
import type { PolicyReading } from '../policy/read-policy.ts';
import { namespaceOf } from '../signer/holder-signers.ts';
import type { GenesisDecision } from './genesis-decision.ts';
import { descriptionOf, isNotAccepted, isRollback } from './holder-state.ts';
import type { Availability, HolderState } from './holder-state.ts';
import { supportedKeys, unsupportedKeys } from './unsupported.ts';

export type FindingFacts = {
  readonly wallet: Wallet;
  readonly policy: PolicyReading;
  readonly holders: readonly HolderState[];
  readonly decision: GenesisDecision;
  /** Facts that signers proved, also where the decision is Blocked. */
  readonly known: VerifiedWallet | undefined;
  readonly available: Availability;
  /** By holder: why its signer refused what it was told. */
  readonly refusals: ReadonlyMap<string, string>;
  /** Whether all signers run on one machine. */
  readonly sharedMachine: boolean;
};

/** What is so of a wallet, condition by condition. */
export function findWallet(facts: FindingFacts): readonly Finding[] {
  const keys = keysGenerated(facts);
  const signers = signersAvailable(facts);
  return [
    ready(facts, keys, signers),
    keys,
    signers,
    policyEnforced(facts),
    genesisConfirmed(facts),
    independent(facts),
  ];
}

/** What was found last, of a founded wallet of which no signer can be asked now. */
function remembered({ wallet, known }: FindingFacts, type: Finding['type']): Finding | undefined {
  if (known !== undefined || wallet.status?.genesis === undefined) return undefined;
  const before = conditionOf(wallet.status.conditions, type);
  return before === undefined
    ? undefined
    : finding(type, before.status, before.reason as Finding['reason'], before.message);
}

const finding = (
  type: Finding['type'],
  status: Finding['status'],
  reason: Finding['reason'],
  message: string,
): Finding => ({ type, status, reason, message });

function ready(
  { wallet, holders, decision, refusals, sharedMachine }: FindingFacts,
  keys: Finding,
  signers: Finding,
): Finding {
  const told = toldWithoutEffect(walletWithoutEffect(wallet, sharedMachine, writtenSigners(holders)));
  const no = (reason: Finding['reason'], message: string): Finding =>
    finding('Ready', 'False', reason, `${message}${told}`);
  // A message may end with a manifest to copy, and people have to act first.
  if (decision.kind === 'Blocked' && decision.reason !== 'WaitingForSigners')
    return finding('Ready', 'False', decision.reason, decision.message);
  if (decision.kind === 'Blocked') return no(decision.reason, decision.message);
  // What a signer refuses matters as long as it lacks something: a founded wallet goes on without one.
  if (refusals.size > 0 && keys.status !== 'True')
    return no(
      [...refusals.values()].every(isNotAccepted) ? 'WaitingForHolder' : 'ProvisioningFailed',
      [...refusals].map(([holder, why]) => `${holder}: ${why}`).join('; '),
    );
  if (decision.kind === 'Found') return no('WaitingForSigners', 'all signers answer; the wallet is being founded');
  if (keys.status !== 'True') return no(keys.reason, keys.message);
  if (signers.reason === 'QuorumLost') return no('QuorumLost', signers.message);
  return finding('Ready', 'True', 'Ready', `keys are generated and a quorum is available${told}`);
}

/** The Signers that the operator wrote for its wallet. */
const writtenSigners = (holders: readonly HolderState[]): readonly Signer[] =>
  holders.flatMap(({ signer }) =>
    signer?.metadata.ownerReferences?.some(({ kind }) => kind === 'Wallet') === true ? [signer] : [],
  );

/** Whether every holder has said that a key is active, now or before it went away. */
export function isAcknowledged(wallet: Wallet, holders: readonly HolderState[], key: string): boolean {
  const before =
    conditionOf(wallet.status?.conditions, 'KeysGenerated')?.status === 'True' &&
    wallet.status?.keys?.some(({ name }) => name === key) === true;
  return holders.every((holder) => {
    const description = descriptionOf(holder);
    return description === undefined
      ? before
      : description.keys.some(({ name, state }) => name === key && state === 'Active');
  });
}

function keysGenerated(facts: FindingFacts): Finding {
  const type = 'KeysGenerated';
  const { wallet, holders, decision, known } = facts;
  const before = remembered(facts, type);
  if (before !== undefined) return before;
  if (known === undefined)
    return decision.kind === 'Blocked' && decision.reason !== 'WaitingForSigners'
      ? finding(type, 'False', decision.reason, 'the wallet is not founded yet')
      : finding(type, 'False', 'WaitingForSigners', 'the wallet is not founded yet');
  const changed = wallet.spec.keys.flatMap(({ name, scheme }) => {
    const made = known.certificates.get(name)?.certificate.scheme ?? scheme;
    return made === scheme ? [] : [`key ${name} is of scheme ${made} for good, the spec says ${scheme}`];
  });
  if (changed.length > 0) return finding(type, 'False', 'InvalidSpec', changed.join('; '));
  const unsupported = unsupportedKeys(wallet, holders);
  const open = supportedKeys(wallet, holders)
    .filter(({ name }) => !(known.certificates.has(name) && isAcknowledged(wallet, holders, name)))
    .map(({ name }) => ({ name, ...progressOf(name, holders) }));
  if (open.length > 0)
    return finding(
      type,
      'False',
      open.some(({ failed }) => failed) ? 'KeygenFailed' : 'GeneratingKeys',
      open.map(({ name, message }) => `${name}: ${message}`).join('; '),
    );
  if (unsupported !== undefined) return finding(type, 'False', unsupported.reason, unsupported.message);
  return finding(
    type,
    'True',
    'AllGenerated',
    `${wallet.spec.keys.map(({ name }) => name).join(', ')}: certified by all ${holders.length} holders`,
  );
}

/** What a key waits for, in the words of the holder that leads its generation, or else whose acknowledgement is missing. */
function progressOf(
  key: string,
  holders: readonly HolderState[],
): { readonly failed: boolean; readonly message: string } {
  const states = holders.map((holder) => ({
    holder,
    state: descriptionOf(holder)?.keys.find(({ name }) => name === key),
  }));
  const said = states.find(
    ({ holder, state }) =>
      holder.role === 'Infrastructure' && state !== undefined && state.state !== 'Active' && state.message !== '',
  );
  if (said?.state?.state === 'Failed')
    return { failed: true, message: `the last attempt failed, holders try again: ${said.state.message}` };
  if (said?.state !== undefined) return { failed: false, message: said.state.message };
  const late = states.filter(({ state }) => state?.state !== 'Active').map(({ holder }) => holder.name);
  const message =
    late.length === holders.length ? 'holders are about to generate it' : `waits for ${late.join(', ')} to have it`;
  return { failed: false, message };
}

function signersAvailable({ wallet, holders, decision, known, available }: FindingFacts): Finding {
  const type = 'SignersAvailable';
  const { unavailable, losses } = available;
  const count = `${holders.length - unavailable.length} of ${holders.length}`;
  const absent = unavailable.map(({ name, why }) => `; ${name}: ${why}`).join('');
  if (
    known === undefined &&
    wallet.status?.genesis === undefined &&
    (decision.kind !== 'Found' || unavailable.length > 0)
  )
    return finding(type, 'False', 'WaitingForSigners', `${count}; founding the wallet needs all${absent}`);
  if (known?.certificates.size === 0 && unavailable.length > 0)
    return finding(type, 'False', 'WaitingForSigners', `${count}; generating keys needs all${absent}`);
  const worth =
    losses < 0 ? 'nothing can be signed' : `signing tolerates ${losses} more ${losses === 1 ? 'loss' : 'losses'}`;
  const links = missingLinks(holders)
    .map((link) => `; ${link}`)
    .join('');
  if (unavailable.length === 0) return finding(type, 'True', 'AllAvailable', `${count}; ${worth}${links}`);
  const reason = unavailable.some(({ why }) => isRollback(why)) ? 'RollbackDetected' : 'SignerUnavailable';
  return finding(type, 'False', losses < 0 ? 'QuorumLost' : reason, `${count}; ${worth}${absent}${links}`);
}

/** What no signer that answers can say of itself: that one which leads signings does not reach it. */
const missingLinks = (holders: readonly HolderState[]): readonly string[] =>
  holders
    .filter(({ role }) => role === 'Infrastructure')
    .flatMap((leader) =>
      (descriptionOf(leader)?.peers ?? []).flatMap(({ name, available, fenced, refused }) => {
        const peer = holders.find((holder) => holder.name === name);
        // Who is left out is told of as gone.
        if (available || fenced || refused !== '' || peer === undefined || !descriptionOf(peer)?.genesis) return [];
        return [`${leader.name} has no link to ${name} at ${peer.observation?.peerEndpoint ?? ''}`];
      }),
    );

function policyEnforced(facts: FindingFacts): Finding {
  const type = 'PolicyEnforced';
  const { wallet, policy, holders, known } = facts;
  const before = remembered(facts, type);
  if (before !== undefined) return before;
  const name = wallet.spec.policyRef.name;
  const no = (reason: Finding['reason'], message: string): Finding =>
    finding(
      type,
      'False',
      reason,
      known === undefined
        ? message
        : `${message}; signers enforce policy ${known.policyDigest}, which they were founded with`,
    );
  if (policy.kind === 'Missing') return no('PolicyNotFound', `there is no SigningPolicy ${name}`);
  if (policy.kind === 'Invalid')
    return no(
      policy.reason === 'FeatureUnsupported' ? 'FeatureUnsupported' : 'PolicyInvalid',
      `SigningPolicy ${name}: ${policy.message}`,
    );
  if (known === undefined) return finding(type, 'False', 'WaitingForHolders', 'the wallet is not founded yet');
  if (policy.digest !== known.genesis.policy)
    return no(
      'ChangeUnsupported',
      `SigningPolicy ${name} was edited, its document is now ${policy.digest}: changing a policy is not in this version`,
    );
  const late = holders
    .filter((holder) => enforcedBy(wallet, holder) !== known.policyDigest)
    .map((holder) => holder.name);
  if (late.length > 0)
    return finding(
      type,
      'False',
      'WaitingForHolders',
      `${late.join(', ')} did not acknowledge policy ${known.policyDigest} yet`,
    );
  return finding(type, 'True', 'AllEnforce', `all ${holders.length} holders enforce policy ${known.policyDigest}`);
}

/** The policy statement that a holder said it enforces; of one that is away, when it last was here. */
export const enforcedBy = ({ status }: Wallet, holder: HolderState): string | undefined =>
  descriptionOf(holder)?.policyDigest || status?.holders?.find(({ name }) => name === holder.name)?.policyDigest;

function genesisConfirmed(facts: FindingFacts): Finding {
  const type = 'GenesisConfirmed';
  const { wallet, known } = facts;
  const before = remembered(facts, type);
  if (before !== undefined) return before;
  if (wallet.spec.genesis?.confirm === 'Approvers')
    return finding(
      type,
      'False',
      'FeatureUnsupported',
      'spec.genesis.confirm: confirmation by Approvers is not in this version',
    );
  if (known === undefined) return finding(type, 'Unknown', 'Pending', 'the wallet is not founded yet');
  return finding(
    type,
    'False',
    'OperatorTrustedOnce',
    'genesis.confirm is None: that these are the right signers rests on the operator, trusted once when the wallet was founded',
  );
}

function independent({ wallet, holders: states, sharedMachine }: FindingFacts): Finding {
  const type = 'Independent';
  const { threshold } = wallet.spec;
  // Where those are that run elsewhere, their owners know.
  const elsewhere = new Set(states.filter(({ signer }) => signer?.spec.external !== undefined).map(({ name }) => name));
  const holders = wallet.spec.holders.filter(({ name }) => !elsewhere.has(name));
  if (sharedMachine && holders.length >= threshold)
    return finding(
      type,
      'False',
      'SharedMachine',
      `${elsewhere.size === 0 ? 'all ' : ''}${holders.length} signers run on this machine as one user, who can use their shares: for trying out, not for custody`,
    );
  const byNamespace = Map.groupBy(holders, (holder) => namespaceOf(wallet, holder));
  const shared = [...byNamespace].find(([, inIt]) => inIt.length >= threshold);
  if (shared !== undefined)
    return finding(
      type,
      'False',
      'SharedNamespace',
      `namespace ${shared[0]} holds ${shared[1].length} shares, ${threshold} sign`,
    );
  return finding(type, 'True', 'NoSharedCustody', `no namespace holds ${threshold} shares`);
}
