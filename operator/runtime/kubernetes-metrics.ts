import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { KubeClientOptions } from './kube-client.ts';
import type { ReflectorMeter } from './reflector.ts';

export type KubernetesMeter = {
  readonly onAnswer: NonNullable<KubeClientOptions['onAnswer']>;
  readonly reflectors: ReflectorMeter;
  readonly leads: (election: string, leads: boolean) => void;
};

/**
 * The series of speaking to an API server on `registry`, by client-go's names: of requests, elections and reflectors, of
 * which client-go itself no longer publishes the last.
 */
export function kubernetesMeter(registry: Registry): KubernetesMeter {
  const registers = [registry];
  const requests = new Counter({
    name: 'rest_client_requests_total',
    help: 'Requests to the API server, by status of the answer, <error> for none, and method.',
    labelNames: ['code', 'method'],
    registers,
  });
  const leading = new Gauge({
    name: 'leader_election_master_status',
    help: '1 while this process leads, else 0, by lease.',
    labelNames: ['name'],
    registers,
  });
  const lists = new Counter({
    name: 'reflector_lists_total',
    help: 'Lists of all objects, at the start and wherever the history that a watch needs is gone.',
    labelNames: ['name'],
    registers,
  });
  const items = new Gauge({
    name: 'reflector_items_per_list',
    help: 'Objects in the last list.',
    labelNames: ['name'],
    registers,
  });
  const watches = new Counter({
    name: 'reflector_watches_total',
    help: 'Watches begun.',
    labelNames: ['name'],
    registers,
  });
  const failures = new Counter({
    name: 'reflector_failures_total',
    help: 'Lists and watches that failed, by status, or by word where no answer came.',
    labelNames: ['name', 'reason'],
    registers,
  });
  return {
    onAnswer: (method, code) => requests.inc({ code, method }),
    leads: (name, leads) => leading.set({ name }, leads ? 1 : 0),
    reflectors: {
      listed(name, objects) {
        lists.inc({ name });
        items.set({ name }, objects);
      },
      watched: (name) => watches.inc({ name }),
      failed: (name, reason) => failures.inc({ name, reason }),
    },
  };
}
