import { digest, utf8 } from '../../../../common/bytes.ts';
import { isRecord } from '../../../runtime/kube-error.ts';
import { nameOf, pathOf } from '../../../runtime/kube-object.ts';
import type { ApiState } from '../../../runtime/testing/api-state.ts';
import { imageOf, setType } from '../signer-set.ts';
import type { SignerSet } from '../signer-set.ts';

/** Milliseconds between two steps of a pod. */
const stepMs = 4;

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
  readonly #timer: NodeJS.Timeout;

  constructor(api: ApiState) {
    this.#api = api;
    this.#timer = setInterval(() => {
      for (const path of api.stored(pathOf(setType)).keys()) this.#step(path);
      for (const name of this.#pods.keys()) if (!api.get(pathOfSet(name))) this.#pods.delete(name);
    }, stepMs);
  }

  stop(): void {
    clearInterval(this.#timer);
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
  }

  /** Deletes the pod, as a person does; the controller makes another. */
  deletePod(set: string): void {
    const pod = this.#pods.get(set);
    if (!pod) return;
    pod.ready = false;
    pod.ending = true;
    this.#happened(set, 'ending', pod);
    this.#report(set);
  }

  /** One step of the controller and the kubelet, told in the status. */
  #step(path: string): void {
    const set = this.#api.get(path) as SignerSet | undefined;
    if (!set) return;
    const name = nameOf(set.metadata);
    const pod = this.#pods.get(name);
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
    const path = pathOfSet(name);
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

function pathOfSet(name: string): string {
  const [namespace, own = ''] = name.split('/');
  return pathOf(setType, { namespace, name: own });
}
