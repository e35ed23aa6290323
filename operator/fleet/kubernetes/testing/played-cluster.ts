import { digest, utf8 } from '../../../../common/bytes.ts';
import { isRecord } from '../../../runtime/kube-error.ts';
import { nameOf, pathOf } from '../../../runtime/kube-object.ts';
import type { ApiState, Stored } from '../../../runtime/testing/api-state.ts';
import { imageOf, setType } from '../signer-set.ts';
import type { SignerSet } from '../signer-set.ts';

type Pod = { readonly revision: string; readonly image: string | undefined; ready: boolean; ending: boolean };

/** What happened to a pod, in order. */
export type PodEvent = {
  readonly set: string;
  readonly what: 'made' | 'ready' | 'unready' | 'ending' | 'gone';
  readonly image: string | undefined;
};

/**
 * Plays Kubernetes' StatefulSet controller and kubelets over the state of an API server, as far as a fleet can tell: one
 * pod a set, replaced where the template changes, and the status that says so, one step at a time.
 */
export class PlayedCluster {
  /** Whether a pod's container starts and becomes ready. */
  starts: (set: SignerSet, image: string | undefined) => boolean = () => true;
  /** Whether a pod is made at all; ResourceQuota and admission may refuse it. */
  admits = true;
  /** Sets whose pods do not end, as on a machine that is lost. */
  readonly stuck = new Set<string>();
  readonly events: PodEvent[] = [];
  readonly #api: ApiState;
  readonly #pods = new Map<string, Pod>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #watch: { readonly stop: () => void } | undefined;

  constructor(api: ApiState) {
    this.#api = api;
    const list = pathOf(setType);
    const now = api.page(list, 0, undefined);
    for (const set of now?.items ?? []) this.#soon(pathOf(setType, set.metadata));
    this.#watch = api.watch(list, now?.version ?? 0, {
      send: (_, object) => this.#soon(pathOf(setType, (object as Stored).metadata)),
      end: () => {},
    });
  }

  stop(): void {
    this.#watch?.stop();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  /** Pods of the set `namespace/name`, those that end included. */
  count(set: string): number {
    return this.#pods.has(set) ? 1 : 0;
  }

  /** Pods that are ready. */
  get ready(): readonly string[] {
    return [...this.#pods].flatMap(([name, { ready }]) => (ready ? [name] : []));
  }

  /** Ends the container; the kubelet starts it again. */
  crash(set: string): void {
    const pod = this.#pods.get(set);
    if (pod?.ready !== true) return;
    pod.ready = false;
    this.#happened(set, 'unready', pod);
    this.#report(set);
    this.poke();
  }

  /** Deletes the pod, as a person does; the controller makes another. */
  deletePod(set: string): void {
    const pod = this.#pods.get(set);
    if (!pod) return;
    pod.ready = false;
    pod.ending = true;
    this.#happened(set, 'ending', pod);
    this.#report(set);
    this.poke();
  }

  /** Has everything looked at again. */
  poke(): void {
    for (const path of this.#api.stored(pathOf(setType)).keys()) this.#soon(path);
  }

  #soon(path: string): void {
    if (this.#timers.has(path)) return;
    this.#timers.set(
      path,
      setTimeout(() => {
        this.#timers.delete(path);
        this.#step(path);
      }, 2),
    );
  }

  /** One step of the controller and the kubelet, told in the status; one that changes it is followed by another. */
  #step(path: string): void {
    const set = this.#api.get(path) as SignerSet | undefined;
    const name = nameOf(setPlace(path));
    const pod = this.#pods.get(name);
    if (!set) {
      this.#pods.delete(name);
      return;
    }
    const revision = revisionOf(set);
    const wanted = (set.spec?.replicas ?? 1) > 0;
    if (pod?.ending === true) {
      if (!this.stuck.has(name)) {
        this.#pods.delete(name);
        this.#happened(name, 'gone', pod);
      }
    } else if (pod !== undefined && (!wanted || pod.revision !== revision)) {
      pod.ready = false;
      pod.ending = true;
      this.#happened(name, 'ending', pod);
    } else if (pod === undefined && wanted && this.admits) {
      const made: Pod = { revision, image: imageOf(set), ready: false, ending: false };
      this.#pods.set(name, made);
      this.#happened(name, 'made', made);
    } else if (pod?.ready === false && this.starts(set, pod.image)) {
      pod.ready = true;
      this.#happened(name, 'ready', pod);
    }
    this.#report(name);
  }

  #report(name: string): void {
    const [namespace = '', own = ''] = name.split('/');
    const path = pathOf(setType, { namespace, name: own });
    const set = this.#api.get(path) as SignerSet | undefined;
    if (!set) return;
    const pod = this.#pods.get(name);
    const revision = revisionOf(set);
    const current = set.status?.currentRevision ?? revision;
    const status = {
      observedGeneration: set.metadata.generation,
      replicas: pod === undefined ? 0 : 1,
      ...(pod?.ready === true && { readyReplicas: 1 }),
      currentRevision: pod?.ready === true && pod.revision === revision ? revision : current,
      updateRevision: revision,
    };
    if (JSON.stringify(status) !== JSON.stringify(set.status)) this.#api.put(path, { ...set, status });
  }

  #happened(set: string, what: PodEvent['what'], { image }: Pod): void {
    this.events.push({ set, what, image });
  }
}

const revisionOf = ({ spec }: SignerSet): string =>
  digest(utf8(JSON.stringify(isRecord(spec) ? spec['template'] : undefined))).slice(-10);

function setPlace(path: string): { readonly namespace: string; readonly name: string } {
  const [namespace = '', , name = ''] = path.split('/').slice(-3);
  return { namespace, name };
}
