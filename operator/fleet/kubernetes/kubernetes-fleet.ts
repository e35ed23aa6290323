import type { Clock } from '../../../common/clock.ts';
import { messageOf } from '../../../common/errors.ts';
import type { Log } from '../../../common/log.ts';
import { signerEnvironment } from '../../../common/signer-node-flags.ts';
import { conditionOf } from '../../api/conditions.ts';
import type { Signer, Wallet } from '../../api/resource.ts';
import { Reach } from '../../reach.ts';
import type { OtherOperator } from '../../reach.ts';
import { createObject } from '../../runtime/create-object.ts';
import type { KubeClient } from '../../runtime/kube-client.ts';
import { isConflict, isNotFound } from '../../runtime/kube-error.ts';
import { nameOf, pathOf } from '../../runtime/kube-object.ts';
import type { KubeObject } from '../../runtime/kube-object.ts';
import { applyObject, getObject } from '../../runtime/objects.ts';
import type { ReflectorMeter } from '../../runtime/reflector.ts';
import { whenSynced } from '../../runtime/when-synced.ts';
import { namespaceOf, servingSigner } from '../../signer/holder-signers.ts';
import { fleetManager } from '../../store/kubernetes/field-managers.ts';
import type { ResourceStore } from '../../store/resource-store.ts';
import type { Fleet, SignerId, SignerObservation, SignerSpec } from '../fleet.ts';
import type { FleetSettings } from './fleet-settings.ts';
import { ManagedObjects, notOurs } from './managed-objects.ts';
import { waitsFor } from './roll-out.ts';
import type { OtherSigner } from './roll-out.ts';
import { observed, signerEndpoints } from './set-observation.ts';
import type { Standing } from './set-observation.ts';
import { signerObjects, signerStatefulSet } from './signer-objects.ts';
import type { SignerFacts } from './signer-objects.ts';
import { imageOf, isChanging, isReady, isWanted, mayHavePod, podName, setType, signerOf } from './signer-set.ts';
import type { SignerSet } from './signer-set.ts';
import { inputsAnnotation, templateInputs } from './template-inputs.ts';
import { Turns } from './turns.ts';
import { walletDisruptionBudget } from './wallet-objects.ts';
import { WatchedObjects } from './watched-objects.ts';
import { keyOf, WatchedSets } from './watched-sets.ts';

/** Longer than a pod is given to end (GRACE_SECONDS in signer-pod.ts). Milliseconds. */
const endMs = 60_000;

export type KubernetesFleetOptions = {
  readonly client: Pick<KubeClient, 'request' | 'watch'>;
  /** Of Wallets and Signers. */
  readonly store: Pick<ResourceStore, 'get' | 'list'>;
  readonly settings: FleetSettings;
  /** Those that are watched; all where none is named. */
  readonly namespaces: readonly string[];
  readonly others?: readonly OtherOperator[];
  readonly clock: Clock;
  readonly log: Log;
  readonly meter?: ReflectorMeter;
  /** Ends opening; an open fleet ends by close(). */
  readonly signal: AbortSignal;
};

/**
 * Resolves once every signer's StatefulSet is known. Only one of several operators may have the fleet open, the leader:
 * that signers change one after the other is decided here.
 */
export const openKubernetesFleet = (options: KubernetesFleetOptions): Promise<KubernetesFleet> =>
  whenSynced(new KubernetesFleet(options), options.signal);

/**
 * A Fleet of pods, a StatefulSet of one for each signer. It deletes nothing: a signer that is removed, destroyed or
 * not, has no replicas and keeps its claims. Nothing is tried again here: errors are for the caller's queue.
 */
export class KubernetesFleet implements Fleet {
  readonly #options: KubernetesFleetOptions;
  readonly #reach: Reach;
  readonly #sets: WatchedSets;
  readonly #objects: ManagedObjects;
  /** By wallet: two of its signers never decide at once. */
  readonly #turns = new Turns();
  readonly #standings = new Map<string, Standing>();
  readonly #end = new AbortController();
  readonly #running: Promise<unknown>;

  constructor(options: KubernetesFleetOptions) {
    this.#options = options;
    this.#reach = new Reach(options.namespaces, options.others);
    this.#sets = new WatchedSets(options);
    const watched = new WatchedObjects(options);
    this.#objects = new ManagedObjects(options.client, watched);
    this.#running = Promise.all([this.#sets, watched].map((each) => each.run(this.#end.signal)));
  }

  /** Resolves once every signer's StatefulSet is known. */
  get synced(): Promise<unknown> {
    return this.#sets.synced;
  }

  ensure(spec: SignerSpec): Promise<void> {
    return this.#turns.take(spec.wallet, async () => {
      this.#end.signal.throwIfAborted();
      try {
        this.#stands(spec, await this.#ensure(spec));
      } catch (error) {
        // Another writer was first: the next look sees what it wrote.
        if (!isConflict(error)) this.#stands(spec, { problem: { reason: 'InternalError', message: messageOf(error) } });
        throw error;
      }
    });
  }

  async observe(id: SignerId): Promise<SignerObservation | undefined> {
    // The one that runs, where a Signer was written anew under another name.
    const set = this.#sets.of(id).find(isWanted);
    const another = set === undefined ? await this.#ofAnother(id) : undefined;
    if (another !== undefined) return another;
    return observed(set, this.#standings.get(keyOf(id)) ?? {}, set === undefined ? 0 : this.#sets.restartsOf(set));
  }

  /** Keeps the claims and objects of the signer also where it is to be destroyed: no ceremony for that exists. */
  async remove(id: SignerId, { destroy }: { readonly destroy: boolean }): Promise<void> {
    await this.#turns.take(id.wallet, async () => {
      this.#end.signal.throwIfAborted();
      for (const set of this.#sets.of(id).filter(isWanted)) await this.#stop(set);
      this.#standings.delete(keyOf(id));
    });
    if (destroy) this.#options.log.warn('shares of a removed signer are kept', { ...id });
    const left = (): readonly SignerSet[] => this.#sets.of(id).filter(mayHavePod);
    // One that is wanted again meanwhile is no longer waited for.
    const isOver = (): boolean => left().length === 0 || this.#sets.of(id).some(isWanted);
    if (await this.#sets.until(isOver, endMs, this.#end.signal)) return;
    const pods = left().map((set) => nameOf({ namespace: set.metadata.namespace, name: podName(set) }));
    throw new Error(`${pods.join(', ')}: still there after ${endMs / 1000} s; a machine that is lost keeps its pods`);
  }

  async list(): Promise<readonly SignerId[]> {
    const ids = this.#sets
      .all()
      .filter(isWanted)
      .flatMap((set) => signerOf(set) ?? []);
    return [...new Map(ids.map((id) => [keyOf(id), id])).values()];
  }

  /** Ends the watches; what is asked for after that is refused. */
  async close(): Promise<void> {
    this.#end.abort(new Error('the fleet is closed'));
    await this.#running;
  }

  #stands(id: SignerId, standing: Standing): void {
    const { problem, waits } = standing;
    if (waits !== undefined && waits !== this.#standings.get(keyOf(id))?.waits)
      this.#options.log.info('a changed template waits', { wallet: id.wallet, holder: id.holder, waits });
    if (problem === undefined && waits === undefined) this.#standings.delete(keyOf(id));
    else this.#standings.set(keyOf(id), standing);
  }

  async #ensure(spec: SignerSpec): Promise<Standing> {
    const { wallet, signer, signers } = await this.#resources(spec);
    const { namespace, name } = signer.metadata;
    const predecessors = this.#sets.of(spec).filter(({ metadata }) => nameOf(metadata) !== nameOf({ namespace, name }));
    for (const set of predecessors.filter(isWanted)) await this.#stop(set);
    // Both would have the same claim.
    const before = predecessors.filter(mayHavePod).map(podName);
    if (before.length > 0)
      return { problem: { reason: 'Starting', message: `waits for the end of pod ${before.join(', ')}` } };

    const held = await this.#held(spec, { namespace, name });
    const facts: SignerFacts = {
      wallet,
      signer,
      signers,
      provisioner: this.#reach.other(wallet.metadata.namespace)?.pods,
      image: signer.spec.image ?? (held && imageOf(held)) ?? this.#options.settings.signerImage,
      operator: spec.operator,
      environment: signerEnvironment(spec.role),
      settings: this.#options.settings,
    };
    const inputs = templateInputs(facts);
    const starts = held === undefined || !isWanted(held);
    // What isolates a pod stands before each of its starts, whatever became of it meanwhile.
    for (const object of signerObjects(facts))
      if (object.kind !== setType.kind) await this.#objects.apply(object, { anew: starts });
    const here = signers.filter(({ metadata }) => metadata.namespace === namespace);
    await this.#objects.apply(walletDisruptionBudget(wallet, namespace, here), { anew: starts });

    if (!starts && held.metadata.annotations?.[inputsAnnotation] === inputs) return {};
    const waits = starts ? '' : await this.#waitsFor(facts, held);
    if (waits !== '') return { waits };
    await this.#write(facts, held, inputs);
    return {};
  }

  /** The wallet, the Signer of the holder and those of all holders. Throws where one of the first two is gone. */
  async #resources({ wallet: walletName, holder, namespace }: SignerSpec): Promise<{
    readonly wallet: Wallet;
    readonly signer: Signer;
    readonly signers: readonly Signer[];
  }> {
    const { store } = this.#options;
    const [walletNamespace = '', name = ''] = walletName.split('/');
    const key = { kind: 'Wallet', namespace: walletNamespace, name } as const;
    const [wallet, all] = await Promise.all([store.get(key), store.list('Signer', key)]);
    if (wallet === undefined) throw new Error(`there is no Wallet ${walletName}`);
    const signers = wallet.spec.holders.flatMap((each) => servingSigner(wallet, each, all) ?? []);
    const signer = signers.find(({ spec }) => spec.walletRef.holder === holder);
    if (signer === undefined || signer.metadata.namespace !== namespace)
      throw new Error(`there is no Signer of holder ${holder} of ${walletName} in namespace ${namespace}`);
    return { wallet, signer, signers };
  }

  /** A signer in a namespace of another operator, which runs it: whether it is there, only asking it tells. */
  async #ofAnother({ wallet: walletName, holder: holderName }: SignerId): Promise<SignerObservation | undefined> {
    const { store } = this.#options;
    const [namespace = '', name = ''] = walletName.split('/');
    if (!this.#reach.sees(namespace)) return undefined;
    const key = { kind: 'Wallet', namespace, name } as const;
    const wallet = await store.get(key);
    const holder = wallet?.spec.holders.find((each) => each.name === holderName);
    if (wallet === undefined || holder === undefined) return undefined;
    if (this.#reach.other(namespaceOf(wallet, holder)) === undefined) return undefined;
    const signer = servingSigner(wallet, holder, await store.list('Signer', key));
    if (signer === undefined) return undefined;
    return { running: true, restarts: 0, ...signerEndpoints(signer), reason: '', message: '' };
  }

  /** The StatefulSet of a Signer's name. Throws where it is somebody else's, whom the watch does not show. */
  async #held(
    id: SignerId,
    place: { readonly namespace: string; readonly name: string },
  ): Promise<SignerSet | undefined> {
    const held = this.#sets.get(place) ?? (await this.#read(place));
    if (held === undefined) return undefined;
    const of = signerOf(held);
    if (of === undefined) throw new Error(notOurs(setType, place));
    if (keyOf(of) !== keyOf(id))
      throw new Error(`StatefulSet ${nameOf(place)} is of another signer, ${keyOf(of)}, and goes with its Signer`);
    return held;
  }

  /**
   * What a changed template waits for. Before one begins, all signers are asked for again: a watch may be behind,
   * and of a write whose answer was lost nothing is known.
   */
  async #waitsFor(facts: SignerFacts, held: SignerSet): Promise<string> {
    const { wallet, signer, signers } = facts;
    if (!this.#reach.worksFor(wallet.metadata.namespace)) return this.#waitsForPeople(wallet, held);
    const others = wallet.spec.holders
      .map(({ name }) => name)
      .filter((name) => name !== signer.spec.walletRef.holder)
      .map((holder) => ({ holder, sets: this.#sets.of({ wallet: nameOf(wallet.metadata), holder }) }));
    const decide = (own: SignerSet | undefined, read: typeof others): string =>
      waitsFor({
        threshold: wallet.spec.threshold,
        // Before it is founded a wallet has nothing to lose.
        serves: wallet.status?.genesis !== undefined && own !== undefined && isReady(own),
        others: read.map(({ holder, sets }) => otherSigner(holder, sets.filter(isWanted), signers, this.#reach)),
      });
    const waits = decide(held, others);
    if (waits !== '') return waits;
    const [own, ...read] = await Promise.all([
      this.#read(held.metadata),
      ...others.map(async ({ holder, sets }) => {
        const found = await Promise.all(sets.map(({ metadata }) => this.#read(metadata)));
        return { holder, sets: found.filter((set) => set !== undefined) };
      }),
    ]);
    return decide(own, read);
  }

  /** Operators do not agree on whose turn it is: of several the one that works for the wallet changes signers by itself. */
  async #waitsForPeople({ metadata, status }: Wallet, held: SignerSet): Promise<string> {
    const own = await this.#read(held.metadata);
    return status?.genesis !== undefined && own !== undefined && isReady(own)
      ? `another operator works for Wallet ${nameOf(metadata)}, so this signer changes when somebody deletes its pod`
      : '';
  }

  #read({ namespace, name }: Pick<KubeObject['metadata'], 'namespace' | 'name'>): Promise<SignerSet | undefined> {
    return getObject(this.#options.client, setType, { namespace, name });
  }

  async #write(facts: SignerFacts, held: SignerSet | undefined, inputs: string): Promise<void> {
    const { client, log } = this.#options;
    const wanted = signerStatefulSet(facts);
    const annotations = { [inputsAnnotation]: inputs };
    const told = { wallet: nameOf(facts.wallet.metadata), holder: facts.signer.spec.walletRef.holder };
    if (held === undefined) {
      const metadata = { ...wanted.metadata, annotations };
      this.#sets.wrote(await createObject(client, setType, { ...wanted, metadata }, fleetManager));
      log.info('signer started', told);
      return;
    }
    const metadata = { ...wanted.metadata, annotations, uid: held.metadata.uid };
    this.#sets.wrote(await applyObject(client, setType, { ...wanted, metadata }, { fieldManager: fleetManager }));
    log.info(isWanted(held) ? 'signer restarts with a changed template' : 'signer started', told);
  }

  /** Takes its pod away; nothing happens where the StatefulSet is gone. */
  async #stop(set: SignerSet): Promise<void> {
    const { namespace, name, uid } = set.metadata;
    try {
      const answer = await this.#options.client.request({
        method: 'PATCH',
        path: pathOf(setType, { namespace, name }),
        query: { fieldManager: fleetManager },
        contentType: 'application/merge-patch+json',
        // Another under its name is refused as a conflict.
        body: { metadata: { uid }, spec: { replicas: 0 } },
      });
      this.#sets.wrote(answer as SignerSet);
      this.#options.log.info('signer stopped', { statefulSet: nameOf({ namespace, name }) });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

/** `sets` are those of the holder that have a pod or should; `signers` those of the wallet. */
function otherSigner(
  holder: string,
  sets: readonly SignerSet[],
  signers: readonly Signer[],
  reach: Reach,
): OtherSigner {
  const resource = signers.find(({ spec }) => spec.walletRef.holder === holder);
  // Of its pod too, which is known sooner; one that runs elsewhere has none here.
  const isElsewhere =
    resource !== undefined && (resource.spec.external !== undefined || !reach.worksFor(resource.metadata.namespace));
  const isUp = isElsewhere || sets.some(isReady);
  const serves = isUp && conditionOf(resource?.status?.conditions, 'Ready')?.status === 'True';
  return { holder, serves, changing: sets.some(isChanging) };
}
