import { fromHex, fromUtf8 } from '../../common/bytes.ts';
import { connectionOf } from '../../client/connection.ts';
import type { Connection } from '../../client/connection.ts';
import type { Wallet as VerifiedWallet } from '../../client/wallet-facts.ts';
import { addressesOf } from '../../policy/address.ts';
import { conditionOf, setCondition } from '../api/conditions.ts';
import type { Finding } from '../api/conditions.ts';
import type { EventReason } from '../api/reasons.ts';
import type { DraftOf, Wallet } from '../api/resource.ts';
import type { EventType } from '../store/resource-store.ts';
import type { MissingSigners } from '../signer/holder-signers.ts';
import { pinOf } from '../signer/external-signer.ts';
import { epochOf } from '../signer/signer-plan.ts';
import { decideGenesis, isRemembered } from './genesis-decision.ts';
import { availability, descriptionOf, isNotAccepted, isRollback } from './holder-state.ts';
import type { HolderState } from './holder-state.ts';
import { planProvision } from './provision-plan.ts';
import type { Provision, ProvisionFacts } from './provision-plan.ts';
import { unsupportedInWallet } from './unsupported.ts';
import { enforcedBy, findWallet } from './wallet-findings.ts';
import type { FindingFacts } from './wallet-findings.ts';

/** All that is known of a wallet when it is looked at. */
export type WalletFacts = Pick<FindingFacts, 'wallet' | 'policy' | 'holders' | 'known' | 'refusals' | 'sharedMachine'> &
  Pick<ProvisionFacts, 'peers' | 'provisioned'> & {
    readonly missing: MissingSigners;
    /** Why signers proved nothing although one has a genesis. */
    readonly unproven: string;
    /** Milliseconds since the epoch. */
    readonly now: number;
  };

export type WalletEvent = { readonly type: EventType; readonly reason: EventReason; readonly message: string };

export type WalletPlan = {
  readonly writeSigners: readonly DraftOf<'Signer'>[];
  readonly provision: readonly Provision[];
  readonly status: NonNullable<Wallet['status']>;
  readonly events: readonly WalletEvent[];
  /** How clients reach the wallet, once it is founded. */
  readonly connection: Connection | undefined;
  /** The genesis whose outcomes are the wallet's; "" before it is founded. */
  readonly genesis: string;
  /** How many more signers may go; -1 where nothing can be signed. */
  readonly losses: number;
  /** Milliseconds until the next look. */
  readonly nextMs: number;
};

/** While signers work on it, and while nothing is expected but what the store tells of. */
const busyMs = 200;
const calmMs = 1_000;

export function planWallet(facts: WalletFacts): WalletPlan {
  const { wallet, holders, missing, now } = facts;
  const decision = decideGenesis(facts);
  const adopted = decision.kind === 'Known' || (facts.known !== undefined && isRemembered(wallet, facts.known));
  const known = adopted ? facts.known : undefined;
  const genesis = known?.genesisDigest ?? wallet.status?.genesis ?? '';
  const available = availability(
    wallet.spec.threshold,
    holders,
    genesis === '' ? undefined : { digest: genesis, statement: known?.genesis },
  );
  const findings = findWallet({ ...facts, known, decision, available });
  const { generation } = wallet.metadata;
  const conditions = findings.reduce<NonNullable<Wallet['status']>['conditions']>(
    (set, finding) => setCondition(set, finding, generation, now),
    wallet.status?.conditions,
  );
  const keys = known === undefined ? wallet.status?.keys : keysOf(wallet, known);
  const status: NonNullable<Wallet['status']> = {
    ...(conditions !== undefined && { conditions }),
    observedGeneration: generation,
    ...(genesis !== '' && { genesis }),
    keysReady: `${keys?.length ?? 0}/${wallet.spec.keys.length}`,
    signersAvailable: `${holders.length - available.unavailable.length}/${holders.length}`,
    ...(keys !== undefined && { keys }),
    holders: holders.map((holder) =>
      holderStatus(wallet, holder, available.unavailable.find(({ name }) => name === holder.name)?.why ?? ''),
    ),
  };
  const provision = planProvision({ ...facts, decision });
  const losses = genesis === '' ? -1 : available.losses;
  const waitsForPeople =
    (decision.kind === 'Blocked' && decision.reason !== 'WaitingForSigners') ||
    [...facts.refusals.values()].some(isNotAccepted);
  const whole =
    available.unavailable.length === 0 &&
    findings.every(({ type, status: is }) => is === 'True' || !['Ready', 'KeysGenerated'].includes(type));
  return {
    // Nothing is started for what cannot be founded.
    writeSigners: genesis === '' && unsupportedInWallet(wallet, facts.sharedMachine) !== undefined ? [] : missing.write,
    provision,
    status,
    events: eventsOf(wallet, status, findings),
    connection: known === undefined ? undefined : connectionTo(known, holders),
    genesis,
    losses,
    nextMs: waitsForPeople || whole ? calmMs : busyMs,
  };
}

function keysOf(wallet: Wallet, { certificates }: VerifiedWallet): NonNullable<NonNullable<Wallet['status']>['keys']> {
  return wallet.spec.keys.flatMap(({ name }) => {
    const verified = certificates.get(name);
    if (verified === undefined) return [];
    const { scheme, publicKey } = verified.certificate;
    return [
      {
        name,
        scheme,
        publicKey,
        addresses: addressesOf(scheme, fromHex(publicKey, 'publicKey')),
        certificate: {
          statement: fromUtf8(verified.statement),
          signatures: verified.signatures.map(({ holder, signature }) => ({ holder, signature })),
        },
      },
    ];
  });
}

/** What a holder's signer says of itself, or last said. */
function holderStatus(
  wallet: Wallet,
  holder: HolderState,
  why: string,
): NonNullable<NonNullable<Wallet['status']>['holders']>[number] {
  const before = wallet.status?.holders?.find(({ name }) => name === holder.name);
  const description = descriptionOf(holder);
  const fingerprint = pinOf(holder.signer) ?? before?.fingerprint;
  const policyDigest = enforcedBy(wallet, holder);
  const epoch = description === undefined ? before?.epoch : epochOf(description.keys);
  const version = description?.version ?? before?.version;
  return {
    name: holder.name,
    available: why === '',
    ...(fingerprint !== undefined && { fingerprint }),
    ...(policyDigest !== undefined && { policyDigest }),
    ...(epoch !== undefined && { epoch }),
    ...(version !== undefined && { version }),
    ...(why !== '' && { message: why.slice(0, 1024) }),
  };
}

const connectionTo = (known: VerifiedWallet, holders: readonly HolderState[]): Connection | undefined => {
  const endpoints = holders.flatMap(({ name, observation }): [string, string][] =>
    observation === undefined || observation.signEndpoint === '' ? [] : [[name, observation.signEndpoint]],
  );
  return endpoints.length === 0 ? undefined : connectionOf(known, new Map(endpoints));
};

/** What happened since the status before. */
function eventsOf(
  wallet: Wallet,
  status: NonNullable<Wallet['status']>,
  findings: readonly Finding[],
): readonly WalletEvent[] {
  const before = wallet.status;
  const became = (type: 'KeysGenerated' | 'PolicyEnforced'): readonly WalletEvent[] => {
    const found = findings.find((finding) => finding.type === type);
    if (found?.status !== 'True' || conditionOf(before?.conditions, type)?.status === 'True') return [];
    return [{ type: 'Normal', reason: type, message: found.message }];
  };
  const founding = (before?.keys ?? []).length === 0;
  const signers = (status.holders ?? []).flatMap(({ name, available, message = '' }): readonly WalletEvent[] => {
    const last = before?.holders?.find((holder) => holder.name === name);
    // Mostly it was away before: a disk is restored while its signer is stopped.
    if (isRollback(message))
      return isRollback(last?.message ?? '')
        ? []
        : [{ type: 'Warning', reason: 'RollbackDetected', message: `${name}: ${message}` }];
    // Until there is a key, signers only start.
    if (founding || last === undefined || last.available === available) return [];
    return available
      ? [{ type: 'Normal', reason: 'SignerRestored', message: `${name} answers and serves again` }]
      : [{ type: 'Warning', reason: 'SignerUnavailable', message: `${name}: ${message}` }];
  });
  return [...became('KeysGenerated'), ...became('PolicyEnforced'), ...signers];
}
