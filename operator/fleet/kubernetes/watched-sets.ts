import { nameOf, pathOf } from '../../runtime/kube-object.ts';
import { isBefore } from '../../runtime/object-cache.ts';
import type { Change } from '../../runtime/object-cache.ts';
import { Reflector } from '../../runtime/reflector.ts';
import { Reflectors } from '../../runtime/reflectors.ts';
import type { WatchOptions } from '../../runtime/reflectors.ts';
import type { SignerId } from '../fleet.ts';
import { labelSelector, managed, signersOnly } from './signer-labels.ts';
import { isReady, isWanted, setType, signerOf } from './signer-set.ts';
import type { SignerSet } from './signer-set.ts';

/** A watch that has not told of a write after so long tells of what came after it. Milliseconds. */
const writtenMs = 60_000;

type Place = { readonly namespace: string; readonly name: string };
type Written = { readonly set: SignerSet; readonly until: number };

/**
 * The StatefulSets of signers as reflectors know them, and as they were answered to a write until the watch tells of
 * it: whoever wrote one, and whoever decides after that, sees the write.
 */
export class WatchedSets {
  readonly #options: WatchOptions;
  readonly #reflectors: Reflectors<SignerSet>;
  readonly #written = new Map<string, Written>();
  /** Where a signer's StatefulSets are, or were a moment ago. */
  readonly #places = new Map<string, Map<string, Place>>();
  /** By uid: whether its pod was ready when last heard of, and how often it no longer was. */
  readonly #readiness = new Map<string, { readonly ready: boolean; readonly lost: number }>();
  readonly #waiting = new Set<() => void>();

  constructor(options: WatchOptions) {
    const { client, namespaces, clock, log, meter } = options;
    this.#options = options;
    this.#reflectors = new Reflectors(
      namespaces,
      (namespace) =>
        new Reflector<SignerSet>({
          name: setType.plural,
          client,
          path: pathOf(setType, { namespace }),
          selectors: { labelSelector: labelSelector({ ...managed, ...signersOnly }) },
          clock,
          log,
          ...(meter ? { meter } : {}),
          onChange: (change) => this.#take(change),
        }),
    );
  }

  /** Resolves when `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#reflectors.run(signal);
  }

  /** Resolves once every StatefulSet is known. */
  get synced(): Promise<unknown> {
    return this.#reflectors.synced;
  }

  /** One of a signer; throws where those of the namespace are not watched. */
  get({ namespace, name }: Place): SignerSet | undefined {
    const { cache } = this.#reflectors.of(namespace);
    const key = nameOf({ namespace, name });
    const written = this.#written.get(key);
    if (written !== undefined) {
      const isAhead = isBefore(cache.version, written.set.metadata.resourceVersion);
      if (isAhead && this.#options.clock.monotonic() < written.until) return written.set;
      this.#written.delete(key);
    }
    const held = cache.get(name, namespace);
    return held !== undefined && signerOf(held) !== undefined ? held : undefined;
  }

  /** All of a signer: more than one where its Signer was written anew under another name. */
  of(id: SignerId): readonly SignerSet[] {
    return [...(this.#places.get(keyOf(id))?.values() ?? [])].flatMap((place) => this.get(place) ?? []);
  }

  all(): readonly SignerSet[] {
    return [...this.#places.values()].flatMap((places) =>
      [...places.values()].flatMap((place) => this.get(place) ?? []),
    );
  }

  /** Takes the answer to a write. */
  wrote(set: SignerSet): void {
    const until = this.#options.clock.monotonic() + writtenMs;
    this.#written.set(nameOf(set.metadata), { set, until });
    this.#place(set);
  }

  /** How often its pod was seen to be no longer ready while one was wanted. */
  restartsOf({ metadata: { uid } }: SignerSet): number {
    return this.#readiness.get(uid)?.lost ?? 0;
  }

  /** Resolves with true once something holds of what is known, and with false after `ms`. Rejects when `signal` aborts. */
  async until(holds: () => boolean, ms: number, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    if (holds()) return true;
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    const look = (): void => {
      if (holds()) resolve(true);
    };
    const abort = (): void => reject(signal.reason as Error);
    const cancel = this.#options.clock.after(ms, () => resolve(holds()));
    this.#waiting.add(look);
    signal.addEventListener('abort', abort);
    try {
      return await promise;
    } finally {
      this.#waiting.delete(look);
      signal.removeEventListener('abort', abort);
      cancel();
    }
  }

  #take({ type, object: set }: Change<SignerSet>): void {
    const { uid } = set.metadata;
    if (type === 'deleted') {
      this.#readiness.delete(uid);
      this.#forget(set);
    } else {
      this.#place(set);
      const before = this.#readiness.get(uid) ?? { ready: false, lost: 0 };
      const ready = isReady(set);
      const lost = before.lost + (before.ready && !ready && isWanted(set) ? 1 : 0);
      this.#readiness.set(uid, { ready, lost });
    }
    for (const look of [...this.#waiting]) look();
  }

  #place(set: SignerSet): void {
    const id = signerOf(set);
    const { namespace, name } = set.metadata;
    if (id === undefined || namespace === undefined) return;
    const places = this.#places.get(keyOf(id)) ?? new Map<string, Place>();
    places.set(nameOf({ namespace, name }), { namespace, name });
    this.#places.set(keyOf(id), places);
  }

  /** Unless another has come to its name, or is about to. */
  #forget(set: SignerSet): void {
    const id = signerOf(set);
    const { namespace, name } = set.metadata;
    if (id === undefined || namespace === undefined || this.get({ namespace, name }) !== undefined) return;
    const places = this.#places.get(keyOf(id));
    places?.delete(nameOf({ namespace, name }));
    if (places?.size === 0) this.#places.delete(keyOf(id));
  }
}

export const keyOf = ({ wallet, holder }: SignerId): string => `${wallet}/${holder}`;
