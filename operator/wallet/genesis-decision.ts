import { digest, fromHex, hex } from '../../common/bytes.ts';
import type { Wallet as VerifiedWallet } from '../../client/wallet-facts.ts';
import type { GenesisStatement } from '../../statement/statements.ts';
import type { Finding } from '../api/conditions.ts';
import type { Wallet } from '../api/resource.ts';
import type { PolicyReading } from '../policy/read-policy.ts';
import type { MissingSigners } from '../signer/holder-signers.ts';
import { pinOf } from '../signer/external-signer.ts';
import { descriptionOf, whyUnavailable } from './holder-state.ts';
import type { HolderState } from './holder-state.ts';
import { unsupportedInWallet } from './unsupported.ts';

export type GenesisDecision =
  /** Signers have it: whoever has none gets the same bytes. */
  | { readonly kind: 'Known'; readonly known: VerifiedWallet }
  /** Nobody has one, and all is there that founding needs. */
  | { readonly kind: 'Found'; readonly genesis: GenesisStatement; readonly policyDocument: Uint8Array }
  | { readonly kind: 'Blocked'; readonly reason: Finding['reason']; readonly message: string };

export type GenesisFacts = {
  readonly wallet: Wallet;
  readonly policy: PolicyReading;
  readonly holders: readonly HolderState[];
  readonly missing: MissingSigners;
  /** What a signer that has a genesis proved. */
  readonly known: VerifiedWallet | undefined;
  /** Why nothing was proven although a signer has a genesis; "" where that is not so. */
  readonly unproven: string;
  /** Whether all signers run on one machine. */
  readonly sharedMachine: boolean;
};

export const walletName = ({ metadata }: Wallet): string => `${metadata.namespace}/${metadata.name}`;

/** The genesis digests that signers say they have, each once. */
export const genesesOf = (holders: readonly HolderState[]): readonly string[] => [
  ...new Set(holders.map((holder) => descriptionOf(holder)?.genesis ?? '').filter((genesis) => genesis !== '')),
];

/**
 * Whose wallet this is. A genesis is for ever: as long as any signer may have one, none is made. It is made only when
 * every signer says that it has none, and {@link foundingHolder} alone is given it at first: what that one accepts is
 * the genesis, whatever crashes, is edited or arrives late meanwhile.
 */
export function decideGenesis(facts: GenesisFacts): GenesisDecision {
  const { wallet, policy, holders, missing, known, unproven } = facts;
  const blocked = (reason: Finding['reason'], message: string): GenesisDecision => ({
    kind: 'Blocked',
    reason,
    message,
  });
  if (known !== undefined) {
    const difference =
      differenceFromSpec(known.genesis, wallet) || (isRemembered(wallet, known) ? '' : whyNotAdopted(facts, known));
    return difference === '' ? { kind: 'Known', known } : blocked('GenesisMismatch', difference);
  }
  const geneses = genesesOf(holders);
  if (geneses.length > 1)
    return blocked(
      'GenesisMismatch',
      `signers belong to different wallets: ${geneses.join(', ')}; bring back the state of one or remove the other's`,
    );
  if (geneses.length === 1) return blocked('WaitingForSigners', unproven);
  const founded = wallet.status?.genesis;
  if (founded !== undefined)
    return blocked(
      'WaitingForSigners',
      `the wallet was founded as ${founded}; waits for a signer that has this genesis: ${waitsFor(holders)}`,
    );

  const unsupported = unsupportedInWallet(wallet, facts.sharedMachine);
  if (unsupported !== undefined)
    return blocked(
      unsupported.reason,
      `${unsupported.message}; nothing was founded yet: what an edit may not change, delete the Wallet for and write it anew`,
    );
  if (missing.sealless.length > 0)
    return blocked(
      'InvalidSpec',
      `spec.signers.seal: is needed for ${missing.sealless.join(', ')}, in this namespace without a Signer; keySecretRef names a Secret that holdfast seal new makes`,
    );
  const unseen = missing.waiting.filter(({ seen }) => !seen);
  if (unseen.length > 0)
    return blocked(
      'WaitingForHolder',
      `does not see ${unseen.map((w) => `namespace ${w.namespace} of ${w.holder}`).join(', ')}: operator.namespaces of the chart names those that this operator works for, operator.others those that another does`,
    );
  const [waiting] = missing.waiting;
  if (waiting !== undefined)
    return blocked(
      'WaitingForHolder',
      `waits for ${missing.waiting.map((w) => `${w.holder} in ${w.namespace}`).join(', ')}; to take part, apply in namespace ${waiting.namespace}:\n${waiting.manifest}`,
    );
  if (policy.kind === 'Missing')
    return blocked(
      'PolicyNotFound',
      `there is no SigningPolicy ${wallet.spec.policyRef.name} in ${wallet.metadata.namespace}`,
    );
  if (policy.kind === 'Invalid')
    return blocked(
      policy.reason === 'FeatureUnsupported' ? 'FeatureUnsupported' : 'PolicyInvalid',
      `SigningPolicy ${wallet.spec.policyRef.name}: ${policy.message}`,
    );

  const described = holders.flatMap((holder) => {
    const description = descriptionOf(holder);
    return description === undefined ? [] : [{ holder, description }];
  });
  if (described.length < holders.length)
    return blocked(
      'WaitingForSigners',
      `${described.length} of ${holders.length} signers answer; waits for ${waitsFor(holders)}`,
    );
  return {
    kind: 'Found',
    policyDocument: policy.document,
    genesis: {
      type: 'holdfast/genesis/v1',
      wallet: walletName(wallet),
      threshold: String(wallet.spec.threshold),
      holders: described.map(({ holder, description }, i) => ({
        name: holder.name,
        role: holder.role,
        identifier: String(i + 1),
        identity: hex(description.identity),
        auditKey: hex(description.auditKey),
        nonce: hex(description.nonce),
      })),
      policy: policy.digest,
    },
  };
}

export const isRemembered = ({ status }: Wallet, { genesisDigest }: VerifiedWallet): boolean =>
  status?.genesis === genesisDigest;

/**
 * Why a genesis that the operator has no memory of is not taken from the signers that have it; "" where it is. One signer
 * alone may have made it up, with a policy of its own: the word of t of them is worth the wallet, that of fewer only
 * what the manifests say anyway.
 */
function whyNotAdopted({ wallet, policy, holders }: GenesisFacts, { genesis, genesisDigest }: VerifiedWallet): string {
  const members = holders.filter((holder) => descriptionOf(holder)?.genesis === genesisDigest);
  const who = `${members.map(({ name }) => name).join(', ')} ${members.length === 1 ? 'says that it has' : 'say that they have'} genesis ${genesisDigest}`;
  const stranger = holders.find((holder, i) => {
    const pin = pinOf(holder.signer);
    return pin !== undefined && pin !== digest(fromHex(genesis.holders[i]?.identity ?? '', 'identity'));
  });
  if (stranger !== undefined) return `${who}, which gives ${stranger.name} another identity than its signer has`;
  if (members.length >= wallet.spec.threshold) return '';
  const silent = holders.filter((holder) => descriptionOf(holder) === undefined);
  if (silent.length > 0) return `${who}, which nobody else confirms; waits for ${waitsFor(holders)}`;
  if (policy.kind === 'Valid' && policy.digest === genesis.policy) return '';
  return `${who}, with policy document ${genesis.policy}; before the others get it, SigningPolicy ${wallet.spec.policyRef.name} has to be that policy again`;
}

/** The one whose acceptance founds the wallet: the first Infrastructure holder. */
export const foundingHolder = (holders: readonly HolderState[]): HolderState | undefined =>
  holders.find(({ role }) => role === 'Infrastructure');

const waitsFor = (holders: readonly HolderState[]): string =>
  holders
    .filter((holder) => descriptionOf(holder) === undefined)
    .map((holder) => `${holder.name} (${whyUnavailable(holder, undefined)})`)
    .join(', ') || holders.map(({ name }) => name).join(', ');

/** What the spec says otherwise than the genesis that signers have; "" where they agree. */
function differenceFromSpec(genesis: GenesisStatement, wallet: Wallet): string {
  const of = (what: string, founded: string, spec: string): string =>
    founded === spec
      ? ''
      : `spec.${what}: signers were founded with ${founded}, the spec says ${spec}; founded wallets cannot change it`;
  const names = (holders: readonly { readonly name: string; readonly role: string }[]): string =>
    holders.map(({ name, role }) => `${name} (${role})`).join(', ');
  return (
    of('threshold', genesis.threshold, String(wallet.spec.threshold)) ||
    of('holders', names(genesis.holders), names(wallet.spec.holders))
  );
}
