import { randomUUID } from 'node:crypto';
import type { Clock } from '../common/clock.ts';
import type { Log } from '../common/log.ts';
import { serveMetrics } from '../common/metrics-server.ts';
import { version } from '../common/version.ts';
import { connectionMaps } from './cluster/connection-maps.ts';
import type { Config } from './config.ts';
import { runControllers } from './controllers.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { KubernetesFleetOptions } from './fleet/kubernetes/kubernetes-fleet.ts';
import type { OperatorSettings } from './fleet/kubernetes/operator-settings.ts';
import type { OperatorIdentity } from './operator-identity.ts';
import { operatorMetrics } from './operator-metrics.ts';
import { Reach } from './reach.ts';
import type { ReadCredentials } from './runtime/credentials.ts';
import { EventRecorder } from './runtime/event-recorder.ts';
import { KubeClient } from './runtime/kube-client.ts';
import { isConflict, isNotFound } from './runtime/kube-error.ts';
import { kubernetesMeter } from './runtime/kubernetes-metrics.ts';
import { LeadershipLost, runElected } from './runtime/leader-election.ts';
import { readiness } from './runtime/readiness.ts';
import { controllerName, openKubernetesStore } from './store/kubernetes/kubernetes-store.ts';
import type { OutcomeCursors } from './wallet/outcome-follower.ts';

/** Opens what runs signers as pods, and resolves once it knows what is there. `signal` ends opening. */
export type OpenFleet = (options: KubernetesFleetOptions) => Promise<Fleet & { close(): Promise<void> }>;

export type ClusterOptions = Pick<Config, 'namespace' | 'lease' | 'metricsListen'> & {
  readonly credentials: ReadCredentials;
  readonly settings: OperatorSettings;
  readonly identity: OperatorIdentity;
  /** The pod's name. */
  readonly instance: string;
  readonly openFleet: OpenFleet;
  readonly clock: Clock;
  readonly log: Log;
  /** Stops the operator; signers go on. */
  readonly signal: AbortSignal;
};

/**
 * Runs the operator of a cluster until `signal` aborts: it waits to lead, and only then opens the store and works, since
 * of several only one may. Rejects as soon as it no longer leads, without waiting for what it began: the process has to
 * end, because another may lead already.
 */
export async function runCluster(options: ClusterOptions): Promise<void> {
  const { namespace, lease, instance, clock, log, signal } = options;
  const { registry, meter } = operatorMetrics();
  const kubernetes = kubernetesMeter(registry);
  const access = {
    credentials: options.credentials,
    clock,
    userAgent: `holdfast-operator/${version}`,
    onAnswer: kubernetes.onAnswer,
  };
  const client = new KubeClient(access);
  // With a connection of its own: a renewal that waits behind a thousand other writes comes too late.
  const electing = new KubeClient(access);
  const election = watchedElection(electing);
  let leads = false;
  let works = false;

  const lead = async (signal: AbortSignal): Promise<void> => {
    const { settings, identity } = options;
    const { namespaces, others } = settings;
    const closing: (() => Promise<void>)[] = [];
    try {
      const common = { client, namespaces, others, clock, log, meter: kubernetes.reflectors, signal };
      const store = await openKubernetesStore({ ...common, instance });
      closing.push(() => store.close());
      const fleet = await options.openFleet({ ...common, store, settings: settings.fleet });
      closing.push(() => fleet.close());
      works = true;
      log.info('operator started', { fingerprint: identity.fingerprint, namespaces });
      await runControllers({
        store,
        fleet,
        identity,
        cursors: cursorsInMemory(),
        connections: connectionMaps(client),
        sharedMachine: false,
        reach: new Reach(namespaces, others),
        meter,
        clock,
        log,
        signal,
      });
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      works = false;
      for (const close of closing.toReversed()) await close();
    }
  };

  // A replica that waits to lead is ready: it would take over. Else no rollout of several replicas would ever be over.
  const metrics = await serveMetrics({
    listen: options.metricsListen,
    ...readiness({ lease: election.answered, caches: () => !leads || works }),
    metrics: () => registry.metrics(),
  });
  log.info('started', { lease: `${namespace}/${lease}`, metrics: metrics.port, version });
  try {
    await runElected(
      {
        client: election.client,
        namespace,
        name: lease,
        identity: `${instance}_${randomUUID()}`,
        clock,
        log,
        signal,
        events: new EventRecorder({ client, controller: controllerName, instance, clock, log }),
        onChange(now) {
          leads = now;
          kubernetes.leads(lease, now);
        },
      },
      lead,
    );
    if (!signal.aborted) throw new Error('the operator ended although nothing stopped it');
  } catch (error) {
    if (!(error instanceof LeadershipLost)) throw error;
    throw new Error(`leadership lost: ${error.message}; another operator may lead now, so this one ends`);
  } finally {
    // What is under way fails at once: another may lead already.
    client.close();
    electing.close();
    await metrics.close();
  }
}

/** A client for the election, and whether the server last said how the Lease is. It also says so by a conflict. */
function watchedElection(client: Pick<KubeClient, 'request'>): {
  readonly client: Pick<KubeClient, 'request'>;
  readonly answered: () => boolean;
} {
  let answered = false;
  return {
    client: {
      async request(request) {
        try {
          const answer = await client.request(request);
          answered = true;
          return answer;
        } catch (error) {
          answered = isConflict(error) || isNotFound(error);
          throw error;
        }
      },
    },
    answered: () => answered,
  };
}

/**
 * Which outcomes were told is kept as long as this process leads: its container has no disk, and a write to the API server for
 * each signature would weigh more than the event that it keeps from being told twice. A new leader begins at the end of
 * each signer's log. What is signed while nobody leads is then no event; it is in the audit log of every signer, and a
 * SigningRequest is told of by its own controller.
 */
function cursorsInMemory(): OutcomeCursors {
  const cursors = new Map<string, bigint>();
  return {
    get: ({ wallet, holder }) => cursors.get(`${wallet}/${holder}`),
    set: ({ wallet, holder }, sequence) => void cursors.set(`${wallet}/${holder}`, sequence),
  };
}
