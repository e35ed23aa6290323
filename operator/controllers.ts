import type { Clock } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import type { Log } from '../common/log.ts';
import type { Key } from './api/resource.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { OperatorIdentity } from './operator-identity.ts';
import type { OperatorMeter } from './operator-metrics.ts';
import { runOperator } from './operator.ts';
import type { Controller } from './operator.ts';
import { policyController } from './policy/policy-controller.ts';
import type { Reach } from './reach.ts';
import { approvalController } from './request/approval-controller.ts';
import { requestController } from './request/request-controller.ts';
import { WalletConnections } from './request/wallet-connections.ts';
import { SignerContacts } from './signer/signer-contacts.ts';
import { signerController } from './signer/signer-controller.ts';
import type { ResourceStore } from './store/resource-store.ts';
import { walletName } from './wallet/genesis-decision.ts';
import { OutcomeFollower } from './wallet/outcome-follower.ts';
import type { OutcomeCursors } from './wallet/outcome-follower.ts';
import { OutcomeSeries } from './wallet/outcome-series.ts';
import { walletController } from './wallet/wallet-controller.ts';
import type { PublishedConnections } from './wallet/wallet-controller.ts';

/** What an operator stands on. The folder's and the cluster's differ in this and in nothing else. */
export type Platform = {
  readonly store: ResourceStore;
  readonly fleet: Fleet;
  readonly identity: OperatorIdentity;
  readonly cursors: OutcomeCursors;
  readonly connections: PublishedConnections;
  /** Whether the fleet runs all signers on the operator's own machine. */
  readonly sharedMachine: boolean;
  readonly reach: Reach;
  readonly meter: OperatorMeter;
  readonly clock: Clock;
  readonly log: Log;
  /** Stops the operator. */
  readonly signal: AbortSignal;
};

/** Runs every controller until `signal` aborts or the store fails, and then closes the connections to signers; signers go on. */
export async function runControllers(platform: Platform): Promise<void> {
  const { store, fleet, identity, cursors, sharedMachine, reach, meter, clock, log, signal } = platform;
  const contacts = new SignerContacts(identity);
  const clients = new WalletConnections();
  const series = new OutcomeSeries(clock, (key, { type, reason, message, at }) => {
    store
      .event(key, type, reason, message, at)
      .catch((error: unknown) => log.warn('event lost', { reason, error: messageOf(error) }));
  });
  const outcomes = new OutcomeFollower({ store, series, cursors, log });
  const controllers = [
    signerController({ store, fleet, contacts, clock, sharedMachine, reach, operator: identity.fingerprint }),
    walletController({
      store,
      fleet,
      contacts,
      outcomes,
      meter,
      clock,
      log,
      sharedMachine,
      connections: usedAndPublished(clients, platform.connections),
      reach,
    }),
    policyController({ store, clock }),
    requestController({ store, connections: clients, series, clock, log }),
    approvalController({ store, clock }),
  ];
  try {
    const own = controllers.map((controller) => within(reach, controller));
    await runOperator({ store, controllers: own, clock, log, meter, signal, others: () => walletsOf(fleet, reach) });
  } finally {
    outcomes.end();
    series.close();
    clients.close();
    contacts.close();
  }
}

/** The operator itself reaches wallets in the way that it makes known. */
const usedAndPublished = (clients: WalletConnections, published: PublishedConnections): PublishedConnections => ({
  republishMs: published.republishMs,
  async publish(wallet, connection) {
    clients.set(walletName(wallet), connection);
    await published.publish(wallet, connection);
  },
  async withdraw(wallet) {
    clients.set(wallet, undefined);
    await published.withdraw(wallet);
  },
});

/** What belongs to another operator is only read. */
const within = (reach: Reach, controller: Controller): Controller => ({
  kind: controller.kind,
  reconcile: async (key, signal) => (reach.worksFor(key.namespace) ? controller.reconcile(key, signal) : undefined),
});

/** Wallets that have signers, also such whose manifests are gone. That one of another operator, or one that is not seen, is gone is not for this one to say. */
const walletsOf = async (fleet: Fleet, reach: Reach): Promise<readonly Key<'Wallet'>[]> =>
  [...new Set((await fleet.list()).map(({ wallet }) => wallet))].flatMap((wallet) => {
    const [namespace = '', name = ''] = wallet.split('/');
    return reach.worksFor(namespace) ? [{ kind: 'Wallet', namespace, name }] : [];
  });
