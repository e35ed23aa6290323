import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../../common/clock.ts';
import type { Log } from '../../../common/log.ts';
import { apiVersion, isKind, keyOf, keyString, kinds, resourcesOf } from '../../api/resource.ts';
import type { Draft, Identified, Key, Kind, Metadata, Resource, ResourceOf } from '../../api/resource.ts';
import { validate } from '../../api/validate.ts';
import { Reach } from '../../reach.ts';
import type { OtherOperator } from '../../reach.ts';
import { createObject } from '../../runtime/create-object.ts';
import { EventRecorder } from '../../runtime/event-recorder.ts';
import { addFinalizer, removeFinalizer } from '../../runtime/finalizers.ts';
import type { KubeClient } from '../../runtime/kube-client.ts';
import { isNotFound } from '../../runtime/kube-error.ts';
import type { KubeObject, OwnerReference } from '../../runtime/kube-object.ts';
import { applyObject, applyStatus, getObject, removeObject } from '../../runtime/objects.ts';
import type { ReflectorMeter } from '../../runtime/reflector.ts';
import { whenSynced } from '../../runtime/when-synced.ts';
import { ChangeFeed } from '../change-feed.ts';
import type { EventType, ResourceStore } from '../resource-store.ts';
import { objectManager, statusManager } from './field-managers.ts';
import { isMade, madeLabels } from './ownership.ts';
import { readResource } from './read-resource.ts';
import { resourceType } from './resource-type.ts';
import { WatchedKind } from './watched-kind.ts';

export type KubernetesStoreOptions = {
  readonly client: Pick<KubeClient, 'request' | 'watch'>;
  /** Those that are watched; all where none is named. */
  readonly namespaces: readonly string[];
  /** In whose namespaces Wallets and Signers are watched too. */
  readonly others?: readonly OtherOperator[];
  /** The pod's name, for events. */
  readonly instance: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter?: ReflectorMeter;
  /** Ends opening; an open store ends by close(). */
  readonly signal: AbortSignal;
};

/** Whose events the operator's are. */
export const controllerName = 'holdfast.dev/operator';

/** Has the server keep a deleted Wallet or Signer until its controller has ended what runs for it. */
export const finalizer = 'holdfast.dev/operator';
const finalized: ReadonlySet<Kind> = new Set<Kind>(['Wallet', 'Signer']);

/** Resolves once every object is known; only one of several operators may have the store open: the leader. */
export const openKubernetesStore = (options: KubernetesStoreOptions): Promise<KubernetesStore> =>
  whenSynced(new KubernetesStore(options), options.signal);

/**
 * Resources of an API server. Reads are of a copy that reflectors keep; a write resolves once the copy has it, so that
 * whoever wrote reads it, or after a while in which the watch does not tell. What depends on the copy being right has a
 * precondition that the server checks. Nothing is tried again here: errors are `KubeError`s, for the caller's queue.
 */
export class KubernetesStore implements ResourceStore {
  readonly #client: KubernetesStoreOptions['client'];
  readonly #feed = new ChangeFeed();
  readonly #end = new AbortController();
  readonly #watched: { readonly [K in Kind]: WatchedKind<K> };
  readonly #recorder: EventRecorder;
  readonly #running: Promise<unknown>;
  /** Finalizers that are being put on objects, by uid. */
  readonly #holding = new Map<string, Promise<void>>();

  constructor({ client, namespaces, others, instance, clock, log, meter }: KubernetesStoreOptions) {
    this.#client = client;
    const onChange = (key: Key): void => this.#feed.publish([key]);
    const { seen } = new Reach(namespaces, others);
    const watched = <K extends Kind>(kind: K, where = namespaces): WatchedKind<K> =>
      new WatchedKind(kind, { client, namespaces: where, onChange, clock, log, meter });
    this.#watched = {
      Wallet: watched('Wallet', seen),
      Signer: watched('Signer', seen),
      SigningPolicy: watched('SigningPolicy'),
      SigningRequest: watched('SigningRequest'),
      Approval: watched('Approval'),
    };
    this.#recorder = new EventRecorder({ client, controller: controllerName, instance, clock, log });
    this.#running = Promise.all(kinds.map((kind) => this.#watched[kind].run(this.#end.signal)));
  }

  /** Resolves once every object is known. */
  get synced(): Promise<unknown> {
    return Promise.all(kinds.map((kind) => this.#watched[kind].synced));
  }

  async list<K extends Kind>(kind: K, named?: Key): Promise<readonly ResourceOf<K>[]> {
    const watched = this.#of(kind);
    const found = named === undefined ? watched.resources() : watched.naming(named);
    return resourcesOf(kind, found as readonly Resource[]);
  }

  async get<K extends Kind>(key: Key<K>): Promise<ResourceOf<K> | undefined> {
    return this.#of(key.kind).resource(key);
  }

  changes(signal: AbortSignal): AsyncIterable<Key> {
    const all = (): readonly Key[] =>
      kinds.flatMap((kind) =>
        (this.#of(kind).resources() as readonly Resource[]).map((resource) => keyOf<Kind>(resource)),
      );
    return this.#feed.subscribe(all, signal);
  }

  async apply(object: Draft): Promise<void> {
    const draft = asJson(object);
    const key = keyOf<Kind>(draft);
    const watched = this.#of(key.kind);
    watched.demand(key.namespace);
    const held = watched.object(key) ?? (await getObject(this.#client, resourceType(key.kind), key));
    const before = held && readResource(key.kind, held);
    if (before && !isMade(before.metadata))
      throw new Error(`${keyString(key)} is a user's (it has no label of the operator): only they change it`);
    const made = { metadata: this.#metadataOf(draft), spec: draft.spec };
    const [problem] = validate({ ...draft, ...made }, before);
    if (problem) throw new Error(`${keyString(key)}: ${problem.path}: ${problem.message}`);
    if (before && isAsBefore(made, before)) return;

    const type = resourceType(key.kind);
    const writer = { fieldManager: objectManager(key.kind) };
    // With its version: no user takes an object over, and no other object comes to its name, unseen.
    const { uid, resourceVersion } = held?.metadata ?? {};
    const changed = { ...made, metadata: { ...made.metadata, uid, resourceVersion } };
    const written = await (held
      ? applyObject(this.#client, type, changed, writer)
      : createObject(this.#client, type, made, writer.fieldManager));
    await watched.seen(written.metadata);
    await this.#hold(key, written);
  }

  async remove(key: Key): Promise<void> {
    const watched = this.#of(key.kind);
    const held = watched.object(key);
    if (!held) return;
    const type = resourceType(key.kind);
    const isHeld = (): KubeObject | undefined => {
      const now = watched.object(key);
      return now?.metadata.uid === held.metadata.uid ? now : undefined;
    };
    if (held.metadata.deletionTimestamp !== undefined) {
      await removeFinalizer(this.#client, type, held, finalizer);
      await watched.until(() => !hasFinalizer(isHeld()));
      return;
    }
    if (!isMade(held.metadata))
      throw new Error(`${keyString(key)} is a user's (it has no label of the operator): only they delete it`);
    await removeObject(this.#client, type, held.metadata);
    await watched.until(() => isHeld()?.metadata.deletionTimestamp !== undefined || !isHeld());
  }

  /**
   * Also where the finalizer comes: every look at a Wallet or Signer writes its status before it begins anything that
   * would have to be ended, so that nothing of that kind is begun for an object that could go unnoticed.
   */
  async writeStatus<K extends Kind>(
    object: Identified<K>,
    status: NonNullable<ResourceOf<K>['status']>,
  ): Promise<void> {
    const key = keyOf(object);
    const watched = this.#of(key.kind);
    const held = watched.object(key);
    if (held?.metadata.uid !== object.metadata.uid) return;
    const plain: unknown = asJson(status);
    const resource = watched.resource(key);
    // Mostly nothing changes, and what the server has is valid.
    const changes = !isDeepStrictEqual(plain, resource?.status);
    const problem = changes && validate({ ...resource, status: plain }).find(({ path }) => /^status\b/.test(path));
    if (problem) throw new Error(`${keyString(key)}: ${problem.path}: ${problem.message}`);
    await this.#hold(key, held);
    if (!changes && isDeepStrictEqual(plain, watched.resource(key)?.status)) return;
    const fieldManager = statusManager(key.kind);
    try {
      const written = await applyStatus(this.#client, resourceType(key.kind), held.metadata, plain, { fieldManager });
      await watched.seen(written.metadata);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async event(key: Key, type: EventType, reason: string, message: string, at = Infinity): Promise<void> {
    const uid = this.#of(key.kind).object(key)?.metadata.uid;
    if (uid === undefined || this.#end.signal.aborted) return;
    const { kind, namespace, name } = key;
    const about = { apiVersion, kind, namespace, name, uid };
    this.#recorder.record(about, { type, reason, note: message, ...(at === Infinity ? {} : { at }) });
  }

  /** Ends changes() and the watches, and writes the events that were only counted. */
  async close(): Promise<void> {
    this.#feed.close();
    this.#end.abort();
    await this.#running;
    await this.#recorder.stop();
  }

  #of<K extends Kind>(kind: K): WatchedKind<K> {
    return this.#watched[kind];
  }

  /** Puts the finalizer on an object that is to have one, once at a time. */
  async #hold(key: Key, object: KubeObject): Promise<void> {
    if (!finalized.has(key.kind) || object.metadata.deletionTimestamp !== undefined || hasFinalizer(object)) return;
    const { uid } = object.metadata;
    const holding = this.#holding.get(uid) ?? this.#addFinalizer(key, object);
    this.#holding.set(uid, holding);
    try {
      await holding;
    } finally {
      this.#holding.delete(uid);
    }
  }

  async #addFinalizer(key: Key, object: KubeObject): Promise<void> {
    const watched = this.#of(key.kind);
    await addFinalizer(this.#client, resourceType(key.kind), object, finalizer);
    await watched.until(() => {
      const now = watched.object(key);
      return now?.metadata.uid !== object.metadata.uid || hasFinalizer(now);
    });
  }

  /** What of its metadata the operator says. Kubernetes deletes what has an owner in another namespace. */
  #metadataOf({
    kind,
    metadata,
  }: Draft): Pick<Metadata, 'name' | 'namespace' | 'labels' | 'annotations' | 'ownerReferences'> {
    const { name, namespace, labels, annotations, ownerReferences } = metadata;
    const isHere = (owner: OwnerReference): boolean =>
      isKind(owner.kind) && this.#of(owner.kind).object({ ...owner, namespace } as Key)?.metadata.uid === owner.uid;
    const elsewhere = new Set(ownerReferences?.filter((owner) => !isHere(owner)).map(({ uid }) => uid));
    for (const other of elsewhere.size === 0 ? [] : kinds)
      for (const resource of this.#of(other).resources() as readonly Resource[])
        if (elsewhere.has(resource.metadata.uid) && resource.metadata.namespace !== namespace)
          throw new Error(
            `${kind}/${namespace}/${name}: ${keyString(keyOf<Kind>(resource))} is in another namespace and cannot own it`,
          );
    return {
      name,
      namespace,
      labels: madeLabels(labels),
      ...(annotations ? { annotations } : {}),
      ...(ownerReferences ? { ownerReferences } : {}),
    };
  }
}

const hasFinalizer = (object: KubeObject | undefined): boolean =>
  object?.metadata.finalizers?.includes(finalizer) === true;

/** Whether nothing would change; that others added to it is left to the server, which knows what is whose. */
const isAsBefore = (
  { metadata, spec }: { readonly metadata: Draft['metadata']; readonly spec: unknown },
  before: Pick<Resource, 'metadata' | 'spec'>,
): boolean =>
  isDeepStrictEqual(spec, before.spec) &&
  (['labels', 'annotations', 'ownerReferences'] as const).every((field) =>
    isDeepStrictEqual(metadata[field], before.metadata[field]),
  );

/** A copy without members that are undefined, as it will be read back. */
const asJson = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
