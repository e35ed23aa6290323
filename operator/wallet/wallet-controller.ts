import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Log } from '../../common/log.ts';
import { encodeConnection } from '../../client/connection.ts';
import type { Connection } from '../../client/connection.ts';
import { verifyWalletFacts } from '../../client/wallet-facts.ts';
import type { Wallet as VerifiedWallet } from '../../client/wallet-facts.ts';
import type { PeerAddress } from '../../proto/gen/signer/v1/signer.ts';
import { keyOf } from '../api/resource.ts';
import type { Key, Signer, Wallet } from '../api/resource.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Controller } from '../operator.ts';
import type { OperatorMeter } from '../operator-metrics.ts';
import type { Reach } from '../reach.ts';
import { readPolicy } from '../policy/read-policy.ts';
import { missingSigners, servingSigner } from '../signer/holder-signers.ts';
import type { Holder } from '../signer/holder-signers.ts';
import { externalObservation, pinOf } from '../signer/external-signer.ts';
import type { SignerContacts } from '../signer/signer-contacts.ts';
import type { ResourceStore } from '../store/resource-store.ts';
import { genesesOf, walletName } from './genesis-decision.ts';
import { descriptionOf, isNotAccepted } from './holder-state.ts';
import type { HolderState } from './holder-state.ts';
import type { OutcomeFollower } from './outcome-follower.ts';
import { provisionDigest } from './provision-plan.ts';
import type { Provision } from './provision-plan.ts';
import { planWallet } from './wallet-plan.ts';
import type { WalletFacts } from './wallet-plan.ts';

export type WalletControllerOptions = {
  readonly store: ResourceStore;
  readonly fleet: Fleet;
  readonly contacts: SignerContacts;
  readonly outcomes: OutcomeFollower;
  readonly meter: OperatorMeter;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether the fleet runs all signers on one machine. */
  readonly sharedMachine: boolean;
  readonly connections: PublishedConnections;
  readonly reach: Reach;
};

/** Where people and programs find how a wallet (`namespace/name`) is reached. */
export interface PublishedConnections {
  /** After so long a connection is published again although it is the same, in milliseconds: Infinity for never. */
  readonly republishMs: number;
  publish(wallet: Wallet, connection: Connection): Promise<void>;
  /** The wallet is gone. */
  withdraw(wallet: string): Promise<void>;
}

/** What signers make of what they were told is worth a look right away. */
const soonMs = 20;

/** What is worth not asking signers again. All of it can be lost at any time. */
type Memory = {
  known: VerifiedWallet | undefined;
  readonly peers: Map<string, PeerAddress>;
  readonly provisioned: Map<string, string>;
  readonly refusals: Map<string, string>;
  /** What was published last and when, in monotonic milliseconds. */
  published: { readonly connection: string; readonly at: number };
};

/** Founds wallets, hands signers what they need, and says how wallets are. */
export function walletController(options: WalletControllerOptions): Controller {
  const memories = new Map<string, Memory>();
  return {
    kind: 'Wallet',
    async reconcile(key, signal) {
      const wallet = await options.store.get(key as Key<'Wallet'>);
      const name = `${key.namespace}/${key.name}`;
      if (wallet === undefined || wallet.metadata.deletionTimestamp !== undefined) {
        memories.delete(name);
        await letGo(options, key as Key<'Wallet'>, wallet);
        return undefined;
      }
      const memory = memories.get(name) ?? {
        known: undefined,
        peers: new Map(),
        provisioned: new Map(),
        refusals: new Map(),
        published: { connection: '', at: 0 },
      };
      memories.set(name, memory);
      const facts = await observe(options, wallet, memory, signal);
      return apply(options, facts, memory, signal);
    },
  };
}

async function observe(
  { store, fleet, contacts, clock, sharedMachine, reach }: WalletControllerOptions,
  wallet: Wallet,
  memory: Memory,
  signal: AbortSignal,
): Promise<WalletFacts> {
  const { namespace } = wallet.metadata;
  const [signers, policy] = await Promise.all([
    store.list('Signer', keyOf(wallet)),
    store.get({ kind: 'SigningPolicy', namespace, name: wallet.spec.policyRef.name }),
  ]);
  const holders = await Promise.all(
    wallet.spec.holders.map((holder) => observeHolder({ fleet, contacts }, wallet, holder, signers, signal)),
  );
  for (const holder of holders) {
    const certificate = descriptionOf(holder)?.certificate;
    const endpoint = holder.observation?.peerEndpoint ?? '';
    if (certificate !== undefined && endpoint !== '')
      memory.peers.set(holder.name, { name: holder.name, endpoint, certificate });
  }
  const { known, unproven } = await prove(contacts, wallet, holders, memory.known, signal);
  memory.known = known;
  return {
    wallet,
    policy: readPolicy(policy),
    holders,
    missing: missingSigners(wallet, signers, (where) => reach.sees(where)),
    known,
    unproven,
    peers: memory.peers,
    provisioned: memory.provisioned,
    refusals: memory.refusals,
    sharedMachine,
    now: clock.now(),
  };
}

async function observeHolder(
  { fleet, contacts }: Pick<WalletControllerOptions, 'fleet' | 'contacts'>,
  wallet: Wallet,
  holder: Holder,
  signers: readonly Signer[],
  signal: AbortSignal,
): Promise<HolderState> {
  const id = { wallet: walletName(wallet), holder: holder.name };
  const signer = servingSigner(wallet, holder, signers);
  const observation = externalObservation(signer) ?? (await fleet.observe(id));
  const fingerprint = pinOf(signer);
  const { name, role } = holder;
  // The Signer's controller learns a pin that nobody wrote, and keeps it; nobody else trusts on first use.
  if (observation?.running !== true || observation.signEndpoint === '' || fingerprint === undefined)
    return { name, role, signer, observation, answer: undefined };
  return {
    name,
    role,
    signer,
    observation,
    answer: await contacts.describe(id, observation.signEndpoint, fingerprint, signal),
  };
}

/**
 * The wallet that signers prove by themselves: its genesis, policy and certificates. A signer is asked again only when
 * one says that it has a certificate which is not known here.
 */
async function prove(
  contacts: SignerContacts,
  wallet: Wallet,
  holders: readonly HolderState[],
  before: VerifiedWallet | undefined,
  signal: AbortSignal,
): Promise<{ readonly known: VerifiedWallet | undefined; readonly unproven: string }> {
  const geneses = genesesOf(holders);
  const genesis =
    before?.genesisDigest ??
    (geneses.length === 1 ? geneses[0] : geneses.find((digest) => digest === wallet.status?.genesis));
  if (genesis === undefined || (wallet.status?.genesis !== undefined && wallet.status.genesis !== genesis))
    return {
      known: undefined,
      unproven:
        genesis === undefined ? '' : `the wallet was founded as ${wallet.status?.genesis}, its signers say ${genesis}`,
    };
  let known = before;
  let unproven = '';
  for (const holder of holders.filter((each) => descriptionOf(each)?.genesis === genesis)) {
    const active = descriptionOf(holder)?.keys.filter(({ certificate }) => certificate !== '') ?? [];
    if (known !== undefined && active.every(({ name }) => known?.certificates.has(name) === true)) continue;
    const contact = contactOf(contacts, wallet, holder);
    if (contact === undefined) continue;
    try {
      const verified = verifyWalletFacts(await contact.client.getWallet(signal), {
        genesis,
        fingerprints: [contact.fingerprint],
      });
      known = { ...verified, certificates: new Map([...verified.certificates, ...(known?.certificates ?? [])]) };
    } catch (error) {
      signal.throwIfAborted();
      unproven = `${holder.name}: ${messageOf(error)}`;
    }
  }
  return { known, unproven };
}

const contactOf = (contacts: SignerContacts, wallet: Wallet, { name, observation, signer }: HolderState) =>
  contacts.client({ wallet: walletName(wallet), holder: name }, observation?.signEndpoint ?? '', pinOf(signer));

async function apply(
  options: WalletControllerOptions,
  facts: WalletFacts,
  memory: Memory,
  signal: AbortSignal,
): Promise<number> {
  const { store, contacts, outcomes, meter, clock, log, connections } = options;
  const { wallet, holders } = facts;
  const name = walletName(wallet);
  const plan = planWallet(facts);
  for (const signer of plan.writeSigners) await store.apply(signer);
  // Before the status: who waits for Ready reads the connection next.
  if (plan.connection !== undefined) {
    const published = { connection: encodeConnection(plan.connection), at: clock.monotonic() };
    const before = memory.published;
    if (published.connection !== before.connection || published.at - before.at >= connections.republishMs) {
      await connections.publish(wallet, plan.connection);
      memory.published = published;
    }
  }
  await store.writeStatus(wallet, plan.status);
  for (const { type, reason, message } of plan.events) {
    log[type === 'Normal' ? 'info' : 'warn'](message, { wallet: name, reason });
    await store.event(keyOf(wallet), type, reason, message);
  }
  meter.wallet(name, plan.status.conditions ?? [], plan.losses);
  if (plan.genesis !== '')
    for (const holder of holders) {
      const contact = contactOf(contacts, wallet, holder);
      const description = descriptionOf(holder);
      if (contact === undefined || description?.genesis !== plan.genesis) continue;
      outcomes.follow(
        keyOf(wallet),
        { wallet: name, holder: holder.name },
        contact.client,
        description.head?.sequence ?? 0n,
      );
    }

  const told = await Promise.all(
    plan.provision.map(async (provision) => ({
      holder: provision.holder,
      why: await tell(contacts, facts, provision, memory, signal),
    })),
  );
  // That an owner has yet to look at a genesis is no failure: it is offered at each look.
  const refused = told.map(({ why }) => why).filter((why) => why !== '' && !isNotAccepted(why));
  if (refused.length > 0) throw new Error(`${name}: ${refused.join('; ')}`);
  const provisioned = told.filter(({ why }) => why === '').map(({ holder }) => holder);
  if (provisioned.length === 0) return plan.nextMs;
  log.info('signers provisioned', { wallet: name, holders: provisioned });
  return soonMs;
}

/** Tells a signer what it needs; resolves with why it did not take it, or "". */
async function tell(
  contacts: SignerContacts,
  { wallet, holders }: WalletFacts,
  { holder, request }: Provision,
  memory: Memory,
  signal: AbortSignal,
): Promise<string> {
  const state = holders.find(({ name }) => name === holder);
  const contact = state === undefined ? undefined : contactOf(contacts, wallet, state);
  if (contact === undefined) return '';
  try {
    await contact.client.provision(request, signal);
    memory.provisioned.set(holder, provisionDigest(request));
    memory.refusals.delete(holder);
    return '';
  } catch (error) {
    signal.throwIfAborted();
    memory.provisioned.delete(holder);
    memory.refusals.set(holder, messageOf(error));
    return `${holder}: ${messageOf(error)}`;
  }
}

/** Ends what runs for a wallet that is deleted. States, shares included, stay: none of this version's wallets is destroyed. */
async function letGo(
  { store, fleet, contacts, outcomes, meter, log, connections }: WalletControllerOptions,
  key: Key<'Wallet'>,
  wallet: Wallet | undefined,
): Promise<void> {
  const name = `${key.namespace}/${key.name}`;
  outcomes.end(name);
  contacts.forget(name);
  meter.walletGone(name);
  const signers = (await store.list('Signer', key)).filter(
    ({ metadata }) =>
      metadata.namespace === key.namespace && metadata.ownerReferences?.some(({ kind }) => kind === 'Wallet'),
  );
  for (const signer of signers) await store.remove(keyOf(signer));
  const running = (await fleet.list()).filter((id) => id.wallet === name);
  for (const id of running) await fleet.remove(id, { destroy: false });
  await connections.withdraw(name);
  if (wallet === undefined) return;
  log.info('wallet deleted: its signers are stopped, their state and shares are kept', {
    wallet: name,
    deletionPolicy: wallet.spec.deletionPolicy ?? 'Retain',
  });
  await store.remove(key);
}
