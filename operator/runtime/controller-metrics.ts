import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';

/** Seconds; part of the API (docs/reference/metrics.md). */
const buckets = [0.001, 0.0025, 0.005, 0.008, 0.015, 0.025, 0.06, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export type ReconcileResult = 'success' | 'error' | 'requeue_after';
type Queue = {
  readonly depth: number;
  readonly working: number;
  readonly workers: number;
  workedMs(): readonly number[];
};

/** What controllers measure, each by its name. */
export type ControllerMeter = {
  /** Has the series of a controller that starts read from its queue, at 0 at first. */
  started(controller: string, queue: Queue): void;
  added(controller: string): void;
  /** A look began after so many seconds in the queue. */
  began(controller: string, waited: number): void;
  reconciled(controller: string, result: ReconcileResult, seconds: number): void;
};

/** The series of controllers and their queues on `registry`, by controller-runtime's names. */
export function controllerMeter(registry: Registry): ControllerMeter {
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
  const queues = new Map<string, Queue>();
  const gauge = (
    name: string,
    help: string,
    labels: (controller: string) => Readonly<Record<string, string>>,
    read: (queue: Queue) => number,
  ): void => {
    new Gauge({
      name,
      help,
      labelNames: Object.keys(labels('')),
      registers,
      collect() {
        for (const [controller, queue] of queues) this.set(labels(controller), read(queue));
      },
    });
  };
  const workers = (controller: string): { controller: string } => ({ controller });
  const sum = (queue: Queue): number => queue.workedMs().reduce((total, ms) => total + ms, 0) / 1000;
  gauge('workqueue_depth', 'Objects that wait for a worker.', ofQueue, ({ depth }) => depth);
  gauge('workqueue_unfinished_work_seconds', 'How long the looks that go on have gone on, summed up.', ofQueue, sum);
  gauge(
    'workqueue_longest_running_processor_seconds',
    'How long the longest look that goes on has gone on.',
    ofQueue,
    (queue) => Math.max(0, ...queue.workedMs()) / 1000,
  );
  gauge('controller_runtime_active_workers', 'Workers that look at an object now.', workers, ({ working }) => working);
  gauge(
    'controller_runtime_max_concurrent_reconciles',
    'Workers that may look at an object at once.',
    workers,
    (queue) => queue.workers,
  );
  return {
    started(controller, queue) {
      queues.set(controller, queue);
      for (const result of ['success', 'error', 'requeue_after']) reconciles.inc({ controller, result }, 0);
      errors.inc({ controller }, 0);
      adds.inc(ofQueue(controller), 0);
      retries.inc(ofQueue(controller), 0);
    },
    added: (controller) => adds.inc(ofQueue(controller)),
    began: (controller, seconds) => waited.observe(ofQueue(controller), seconds),
    reconciled(controller, result, took) {
      reconciles.inc({ controller, result });
      if (result === 'error') errors.inc({ controller });
      seconds.observe({ controller }, took);
      worked.observe(ofQueue(controller), took);
      if (result !== 'success') retries.inc(ofQueue(controller));
    },
  };
}

/** As controller-runtime labels the series of a controller's queue. */
const ofQueue = (controller: string): { name: string; controller: string } => ({ name: controller, controller });
