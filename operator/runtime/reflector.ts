import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Log } from '../../common/log.ts';
import { backoffMs, pause } from './backoff.ts';
import type { KubeClient, Query } from './kube-client.ts';
import { KubeError, isExpired, isRecord, retryAfterMsOf } from './kube-error.ts';
import { isStored } from './kube-object.ts';
import type { KubeObject } from './kube-object.ts';
import { ObjectCache } from './object-cache.ts';
import type { Change } from './object-cache.ts';

const pageSize = 500;
/** How long the server is asked to keep a watch: at random, so that many do not come back at once. Seconds. */
const leastWatchSeconds = 240;
const mostWatchSeconds = 480;
/** A watch that lived so long was sound, whatever ended it. Milliseconds. */
const soundMs = 5_000;

/** What reflectors measure, each by its name. */
export type ReflectorMeter = {
  listed(reflector: string, objects: number): void;
  watched(reflector: string): void;
  /** A list or watch failed; `reason` is a status such as 410, or a word such as Silent where there is none. */
  failed(reflector: string, reason: string): void;
};

export type ReflectorOptions<T> = {
  /** As its series are labelled. */
  readonly name: string;
  readonly client: Pick<KubeClient, 'request' | 'watch'>;
  /** Of the list: `pathOf(type, { namespace })`. */
  readonly path: string;
  readonly selectors?: { readonly labelSelector?: string; readonly fieldSelector?: string };
  /** What of an object is kept, identity and version among it: all but `managedFields` where this is not given. */
  readonly keep?: (object: KubeObject) => T;
  /**
   * Told of each change once the cache has it, in order. What happens while no watch is open is told as the difference
   * that a list shows. What it throws is logged, and stops nothing.
   */
  readonly onChange: (change: Change<T>) => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter?: ReflectorMeter;
  /** In [0, 1). */
  readonly random?: () => number;
};

/**
 * Keeps a copy of the objects at a path, for as long as it runs: lists them by pages, watches from there on, and lists
 * again where the server no longer has that history. No failure ends it.
 */
export class Reflector<T extends KubeObject> {
  readonly cache = new ObjectCache<T>();
  readonly #options: ReflectorOptions<T>;
  readonly #keep: (object: KubeObject) => T;
  readonly #synced = Promise.withResolvers<void>();
  #isSynced = false;
  #mustList = true;
  #failures = 0;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#keep = options.keep ?? ((object) => withoutManagers(object) as T);
  }

  /** Whether the cache once held all there was. */
  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** Resolves with the first complete list, after its changes were told. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  /** Resolves when `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random = Math.random } = this.#options;
    while (!signal.aborted) {
      let retryAfterMs = 0;
      try {
        if (this.#mustList) await this.#list(signal);
        await this.#watch(signal);
      } catch (error) {
        if (signal.aborted) return;
        retryAfterMs = retryAfterMsOf(error);
        this.#failed(error);
      }
      this.#failures++;
      await pause(clock, Math.max(retryAfterMs, backoffMs(this.#failures, random)), signal);
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { name, meter } = this.#options;
    const { objects, version } = await this.#pages(signal);
    this.#mustList = false;
    this.#tell(this.cache.replace(objects, version));
    meter?.listed(name, objects.length);
    this.#isSynced = true;
    this.#synced.resolve();
  }

  async #pages(signal: AbortSignal): Promise<{ readonly objects: readonly T[]; readonly version: string }> {
    const objects: T[] = [];
    let next: string | undefined;
    do {
      let page: Page<T>;
      try {
        page = await this.#page({ limit: pageSize, continue: next }, signal);
      } catch (error) {
        if (next === undefined || !isExpired(error)) throw error;
        // The pages' snapshot is too old: all at once cannot be too slow for itself.
        return this.#page({}, signal);
      }
      objects.push(...page.objects);
      next = page.next;
      if (next === undefined) return { objects, version: page.version };
    } while (!signal.aborted);
    throw signal.reason;
  }

  async #page(query: Query, signal: AbortSignal): Promise<Page<T>> {
    const { client, path, selectors } = this.#options;
    return pageOf<T>(path, this.#keep, await client.request({ path, query: { ...selectors, ...query }, signal }));
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { name, client, path, selectors, clock, meter, random = Math.random } = this.#options;
    const began = clock.monotonic();
    const query = {
      ...selectors,
      resourceVersion: this.cache.version,
      allowWatchBookmarks: true,
      timeoutSeconds: Math.round(leastWatchSeconds + random() * (mostWatchSeconds - leastWatchSeconds)),
    };
    meter?.watched(name);
    try {
      for await (const { type, object } of client.watch({ path, query, signal })) {
        if (type === 'BOOKMARK') this.cache.moveTo(versionOf(path, object));
        else {
          if (!isStored(object))
            throw new KubeError(`watch ${path}: an object without identity`, { reason: 'Malformed' });
          const before = this.cache.version;
          this.#tell(this.cache.apply(type, this.#keep(object)));
          if (this.cache.version !== before) this.#failures = 0;
        }
      }
    } finally {
      if (clock.monotonic() - began >= soundMs) this.#failures = 0;
    }
  }

  #failed(error: unknown): void {
    const { name, path, log, meter } = this.#options;
    const { status = 0, reason = 'Unknown' } = error instanceof KubeError ? error : {};
    meter?.failed(name, status === 0 ? reason : String(status));
    // A server that answers with an error may have lost the history asked for, and does not always say so by 410: one
    // restored from a backup calls the version too large. One that is busy or does not answer may still have it.
    if ((status !== 0 && status !== 429) || reason === 'Malformed') this.#mustList = true;
    if (isExpired(error)) log.debug('history expired, listing anew', { path });
    else log.warn('list or watch failed', { path, error: messageOf(error) });
  }

  #tell(changes: readonly Change<T>[]): void {
    const { path, onChange, log } = this.#options;
    for (const change of changes)
      try {
        onChange(change);
      } catch (error) {
        log.error('handler of a change failed', { path, object: change.object.metadata.name, error: messageOf(error) });
      }
  }
}

/** Who set which field is the server's to know: it can be most of an object, and many small parts of it in memory. */
function withoutManagers(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata as KubeObject['metadata'] & { managedFields?: unknown };
  return { ...object, metadata };
}

type Page<T> = { readonly objects: readonly T[]; readonly version: string; readonly next: string | undefined };

function pageOf<T extends KubeObject>(path: string, keep: (object: KubeObject) => T, answer: unknown): Page<T> {
  const { items, metadata } = isRecord(answer) ? answer : {};
  const next = isRecord(metadata) ? metadata['continue'] : undefined;
  if (!Array.isArray(items) || !items.every(isStored))
    throw new KubeError(`GET ${path}: the answer is no list of objects`, { reason: 'Malformed' });
  return {
    objects: items.map(keep),
    version: versionOf(path, answer),
    next: typeof next === 'string' && next !== '' ? next : undefined,
  };
}

function versionOf(path: string, value: unknown): string {
  const metadata = isRecord(value) ? value['metadata'] : undefined;
  const version = isRecord(metadata) ? metadata['resourceVersion'] : undefined;
  if (typeof version !== 'string' || version === '')
    throw new KubeError(`${path}: no resourceVersion`, { reason: 'Malformed' });
  return version;
}
