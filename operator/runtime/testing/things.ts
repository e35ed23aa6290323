import type { Registry } from 'prom-client';
import { systemClock as clock } from '../../../common/clock.ts';
import { silentLog as log } from '../../../common/log.ts';
import { controllerMeter } from '../controller-metrics.ts';
import { startController } from '../controller.ts';
import type { KubeClient } from '../kube-client.ts';
import { nameOf, pathOf } from '../kube-object.ts';
import type { KubeObject } from '../kube-object.ts';
import { kubernetesMeter } from '../kubernetes-metrics.ts';
import { runElected } from '../leader-election.ts';
import { applyStatus } from '../objects.ts';
import { Reflector } from '../reflector.ts';
import { hastyClock } from './hasty-clock.ts';

export const thingType = { apiVersion: 'example.dev/v1', kind: 'Thing', plural: 'things' } as const;

export type Thing = KubeObject & {
  readonly spec?: { readonly size?: number };
  readonly status?: { readonly size?: number };
};

export type ThingsOptions = {
  readonly client: KubeClient;
  /** Of the things and of the Lease `operator`. */
  readonly namespace: string;
  /** Among those who would lead. */
  readonly identity: string;
  readonly registry: Registry;
  /** A busy machine may keep a process from renewing its lease in time: where that is not what a test is about, below 1. */
  readonly electionSpeed: number;
  readonly signal: AbortSignal;
};

/** As README.md's example: while it leads, the status of each thing has the size of its spec. */
export async function runThings(options: ThingsOptions): Promise<void> {
  const { client, namespace, identity, registry, electionSpeed, signal } = options;
  const { reflectors, leads } = kubernetesMeter(registry);
  const lease = { namespace, name: 'operator', identity };
  const onChange = (now: boolean): void => leads('operator', now);
  const electionClock = hastyClock(electionSpeed);
  await runElected({ client, clock: electionClock, log, signal, onChange, ...lease }, async (signal) => {
    const things = new Reflector<Thing>({
      name: 'things',
      client,
      path: pathOf(thingType, { namespace }),
      clock,
      log,
      meter: reflectors,
      onChange: ({ object }) => controller.add(nameOf(object.metadata)),
    });
    const controller = startController({
      name: 'thing',
      workers: 4,
      clock,
      log,
      signal,
      meter: controllerMeter(registry),
      reconcile: async (key, signal) => {
        const [namespace = '', name = ''] = key.split('/');
        const thing = things.cache.get(name, namespace);
        const size = thing?.spec?.size;
        if (thing === undefined || thing.status?.size === size) return undefined;
        await applyStatus(client, thingType, thing.metadata, { size }, { fieldManager: 'example-thing', signal });
        return undefined;
      },
    });
    await things.run(signal);
    await controller.stop();
  });
}
