import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { conditionTypes } from './api/conditions.ts';
import type { Condition } from './api/generated.ts';
import type { Kind } from './api/resource.ts';

/** Seconds; part of the API (docs/reference/metrics.md). */
const buckets = [0.001, 0.0025, 0.005, 0.008, 0.015, 0.025, 0.06, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export type ReconcileResult = 'success' | 'error' | 'requeue_after';
type Queue = { readonly depth: number; readonly working: number; readonly workers: number };

/** What controllers measure. */
export type OperatorMeter = {
  observeQueues(queues: ReadonlyMap<Kind, Queue>): void;
  added(kind: Kind): void;
  /** A look began after so many seconds in the queue. */
  began(kind: Kind, waited: number): void;
  reconciled(kind: Kind, result: ReconcileResult, seconds: number): void;
  /** `losses` is how many more signers may go before nothing can be signed; -1 where it cannot be now. */
  wallet(name: string, conditions: readonly Readonly<Condition>[], losses: number): void;
  walletGone(name: string): void;
};

export type OperatorMetrics = { readonly registry: Registry; readonly meter: OperatorMeter };

/** The operator's series: controller-runtime's and client-go's by their names, and the wallets'. */
export function operatorMetrics(): OperatorMetrics {
  const registry = new Registry();
  const registers = [registry];
  const reconciles = new Counter({
    name: 'controller_runtime_reconcile_total',
    help: 'Looks at an object, by controller and result.',
    labelNames: ['controller', 'result'],
    registers,
  });
  const errors = new Counter({
    name: 'controller_runtime_reconcile_errors_total',
    help: 'Looks at an object that failed and are tried again.',
    labelNames: ['controller'],
    registers,
  });
  const seconds = new Histogram({
    name: 'controller_runtime_reconcile_time_seconds',
    help: 'Time that one look at an object took.',
    labelNames: ['controller'],
    buckets,
    registers,
  });
  const adds = new Counter({
    name: 'workqueue_adds_total',
    help: 'Objects put into the queue.',
    labelNames: ['name', 'controller'],
    registers,
  });
  const retries = new Counter({
    name: 'workqueue_retries_total',
    help: 'Objects put into the queue again by their own look at them, after a pause.',
    labelNames: ['name', 'controller'],
    registers,
  });
  const waited = new Histogram({
    name: 'workqueue_queue_duration_seconds',
    help: 'Time that an object was in the queue before it was looked at.',
    labelNames: ['name', 'controller'],
    buckets,
    registers,
  });
  const worked = new Histogram({
    name: 'workqueue_work_duration_seconds',
    help: 'Time that one look at an object from the queue took.',
    labelNames: ['name', 'controller'],
    buckets,
    registers,
  });
  let queues: ReadonlyMap<Kind, Queue> = new Map();
  new Gauge({
    name: 'workqueue_depth',
    help: 'Objects that wait for a worker.',
    labelNames: ['name', 'controller'],
    registers,
    collect() {
      for (const [kind, { depth }] of queues) this.set(labels(kind), depth);
    },
  });
  const workers = (name: string, help: string, read: (queue: Queue) => number): void => {
    new Gauge({
      name,
      help,
      labelNames: ['controller'],
      registers,
      collect() {
        for (const [kind, queue] of queues) this.set({ controller: controllerOf(kind) }, read(queue));
      },
    });
  };
  workers('controller_runtime_active_workers', 'Workers that look at an object now.', ({ working }) => working);
  workers(
    'controller_runtime_max_concurrent_reconciles',
    'Workers that may look at an object at once.',
    (queue) => queue.workers,
  );
  const conditions = new Gauge({
    name: 'holdfast_wallet_condition',
    help: '1 while the condition of the wallet is True, else 0.',
    labelNames: ['wallet', 'condition'],
    registers,
  });
  const losses = new Gauge({
    name: 'holdfast_wallet_tolerable_losses',
    help: 'Signers that may be lost before nothing can be signed; -1 where nothing can be.',
    labelNames: ['wallet'],
    registers,
  });
  return {
    registry,
    meter: {
      observeQueues(given) {
        queues = given;
      },
      added: (kind) => adds.inc(labels(kind)),
      began: (kind, seconds) => waited.observe(labels(kind), seconds),
      reconciled(kind, result, took) {
        const controller = controllerOf(kind);
        reconciles.inc({ controller, result });
        if (result === 'error') errors.inc({ controller });
        seconds.observe({ controller }, took);
        worked.observe(labels(kind), took);
        if (result !== 'success') retries.inc(labels(kind));
      },
      wallet(wallet, found, tolerable) {
        for (const condition of conditionTypes.Wallet)
          conditions.set(
            { wallet, condition },
            found.find(({ type }) => type === condition)?.status === 'True' ? 1 : 0,
          );
        losses.set({ wallet }, tolerable);
      },
      walletGone(wallet) {
        for (const condition of conditionTypes.Wallet) conditions.remove({ wallet, condition });
        losses.remove({ wallet });
      },
    },
  };
}

/** As controller-runtime names them. */
const controllerOf = (kind: Kind): string => kind.toLowerCase();
const labels = (kind: Kind): { name: string; controller: string } => ({
  name: controllerOf(kind),
  controller: controllerOf(kind),
});
