import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Limit } from '../policy/policy.ts';
import { limitInWords } from '../policy/why.ts';
import type { Meter } from './ceremony/meter.ts';
import type { Engine } from './scheme/scheme.ts';

/** Seconds; part of the API (docs/reference/metrics.md). */
const BUCKETS = [0.001, 0.0025, 0.005, 0.008, 0.015, 0.025, 0.06, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export type SignerMetrics = {
  readonly registry: Registry;
  readonly meter: Meter;
  readonly roundTrip: (peer: string, seconds: number) => void;
  /** A call of the HSM; `outcome` is "ok", a state of it, or why it refused. */
  readonly hsmOperation: (operation: string, outcome: string, seconds: number) => void;
};

/** What is read when a scrape comes. */
export type SignerGauges = {
  readonly version: string;
  readonly engine: Engine;
  readonly peers: () => Iterable<readonly [peer: string, available: boolean]>;
  readonly limits: () => Iterable<{ readonly rule: string; readonly limit: Limit; readonly ratio: number }>;
  readonly queueLength: () => number;
  readonly auditRecords: () => number;
  readonly diskFreeBytes: () => number;
  /** Only spends and bans are written. */
  readonly diskFull: () => boolean;
  /** This signer stopped, or refuses a peer. */
  readonly rollbackDetected: () => boolean;
  /** Why the HSM does not serve; "" while it does, undefined where there is none. */
  readonly hsmState: () => string | undefined;
};

/** A signer's series. Labels beyond wallet and holder come only from the pinned policy and the roster. */
export function signerMetrics(wallet: string, holder: string, gauges: SignerGauges): SignerMetrics {
  const registry = new Registry();
  registry.setDefaultLabels({ wallet, holder });
  const registers = [registry];
  const histogram = <L extends string>(name: string, help: string, labelNames: readonly L[]): Histogram<L> =>
    new Histogram({ name, help, labelNames: [...labelNames], buckets: BUCKETS, registers });
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> =>
    new Counter({ name, help, labelNames: [...labelNames], registers });
  const sampled = (name: string, help: string, read: () => number): Gauge =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });

  const ceremonies = histogram(
    'holdfast_ceremony_duration_seconds',
    'Ceremonies by how they ended, recorded by the coordinator',
    ['key', 'scheme', 'ceremony', 'outcome'],
  );
  const steps = histogram('holdfast_ceremony_step_duration_seconds', 'Time in each step of a ceremony', [
    'scheme',
    'ceremony',
    'step',
  ]);
  const failures = counter(
    'holdfast_ceremony_failures_total',
    'Ceremonies that failed; a denial is none. culprit names a holder that provably cheated and is empty otherwise',
    ['ceremony', 'reason', 'culprit'],
  );
  const decisions = counter(
    'holdfast_policy_decisions_total',
    'Policy decisions of this holder; where several rules together allowed a request, rule is the first of them',
    ['rule', 'verdict', 'reason'],
  );
  const nonces = new Gauge({
    name: 'holdfast_nonces_available',
    help: 'Unused commitments of a peer',
    labelNames: ['key', 'peer'],
    registers,
  });
  const badHeads = counter(
    'holdfast_heads_refused_total',
    'Heads of audit logs that a peer sent with a wrong signature or none; they stop nobody',
    ['peer'],
  );
  const inProgress = new Gauge({
    name: 'holdfast_ceremonies_in_progress',
    help: 'Ceremonies under way here',
    registers,
  });
  const roundTrips = histogram('holdfast_peer_round_trip_seconds', 'Time from a heartbeat to its answer', ['peer']);
  sampled('holdfast_queue_length', 'Requests admitted and not yet answered', gauges.queueLength);
  new Counter({
    name: 'holdfast_audit_records_total',
    help: 'Records in the audit log, those of earlier starts among them',
    registers,
    collect() {
      this.reset();
      this.inc(gauges.auditRecords());
    },
  });
  sampled('holdfast_disk_free_bytes', 'Free space where the state lies', gauges.diskFreeBytes);
  sampled('holdfast_disk_full', '1 while nothing is signed for want of space where the state lies', () =>
    gauges.diskFull() ? 1 : 0,
  );
  sampled(
    'holdfast_rollback_detected',
    '1 where this signer stopped because its state is older than its peers remember, or refuses a peer whose state is',
    () => (gauges.rollbackDetected() ? 1 : 0),
  );
  const hsmOperations = histogram(
    'holdfast_hsm_operation_duration_seconds',
    'Calls of the HSM through its sidecar; outcome is ok, a state of the HSM, or why it refused: all but ok are errors',
    ['operation', 'outcome'],
  );
  new Gauge({
    name: 'holdfast_hsm_available',
    help: '1 while the HSM serves, else 0 and state says why; absent where the seal is no HSM',
    labelNames: ['state'],
    registers,
    collect() {
      this.reset();
      const state = gauges.hsmState();
      if (state !== undefined) this.set({ state: state === '' ? 'Ready' : state }, state === '' ? 1 : 0);
    },
  });
  new Gauge({
    name: 'holdfast_peer_available',
    help: '1 where the link to the peer is up; one that hangs without closing it is noticed within some 15 s',
    labelNames: ['peer'],
    registers,
    collect() {
      for (const [peer, available] of gauges.peers()) this.set({ peer }, available ? 1 : 0);
    },
  });
  new Gauge({
    name: 'holdfast_policy_limit_used_ratio',
    help: 'How much of a limit is used, in tenths; 1 where nothing is left. Of one that each path has, by the path with the most',
    labelNames: ['rule', 'limit'],
    registers,
    collect() {
      for (const { rule, limit, ratio } of gauges.limits()) this.set({ rule, limit: limitInWords(limit) }, ratio);
    },
  });
  new Gauge({
    name: 'holdfast_signer_info',
    help: 'Always 1; engine is noble where signatures are made in JavaScript, frost where the addon makes them',
    labelNames: ['version', 'epoch', 'engine'],
    registers,
  }).set({ version: gauges.version, epoch: '0', engine: gauges.engine }, 1);

  return {
    registry,
    roundTrip: (peer, seconds) => roundTrips.observe({ peer }, seconds),
    hsmOperation: (operation, outcome, seconds) => hsmOperations.observe({ operation, outcome }, seconds),
    meter: {
      ceremony: (key, scheme, ceremony, outcome, seconds) =>
        ceremonies.observe({ key, scheme, ceremony, outcome }, seconds),
      step: (scheme, ceremony, step, seconds) => steps.observe({ scheme, ceremony, step }, seconds),
      failure: (ceremony, reason, culprit) => failures.inc({ ceremony, reason, culprit }),
      inProgress: (delta) => inProgress.inc(delta),
      // Of all the sets that rules can make, each would be a series.
      decision: (rules, verdict, reason) => {
        const [rule = ''] = rules.split(',', 1);
        decisions.inc({ rule, verdict, reason });
      },
      nonces: (key, peer, available) => nonces.set({ key, peer }, available),
      badHead: (peer) => badHeads.inc({ peer }),
    },
  };
}
