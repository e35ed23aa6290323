import { randomUUID } from 'node:crypto';
import { isRecord } from '../kube-error.ts';
import type { KubeObject } from '../kube-object.ts';

export type Stored = KubeObject & { readonly spec?: unknown; readonly status?: unknown };

/** What happens to the next request in place of an answer; nothing is done of it but where that is said. */
export type RequestFault =
  | { readonly kind: 'reset' | 'silent' | 'not json' | 'cut off' }
  /** It is done, and nobody hears of it. */
  | { readonly kind: 'answer lost' }
  | { readonly kind: 'status'; readonly status: number; readonly reason?: string; readonly retryAfter?: string };

/** What happens to every watch that is open. */
export type WatchFault = (typeof watchFaults)[number];
export const watchFaults = [
  'reset',
  'end',
  'silent',
  'bookmark',
  'cut off',
  'not json',
  'expired',
  'error',
  'repeat last',
  'repeat all',
] as const;

/** Where a watch's events go. */
export type Sink = {
  send(type: string, object: unknown): void;
  end(how: 'reset' | 'end' | 'cut off' | 'not json'): void;
};
type Watcher = { readonly list: string; readonly sink: Sink; silent: boolean };
type Happened = { readonly type: string; readonly version: number; readonly path: string; readonly object: Stored };
export type Page = { readonly items: readonly Stored[]; readonly version: number; readonly next: string | undefined };

/**
 * What an API server holds and tells, as far as this runtime asks: objects by path, lists by pages, watches from a
 * version. All paths are of namespaced kinds. It does what its script says, faults included.
 */
export class ApiState {
  readonly faults: RequestFault[] = [];
  readonly #objects = new Map<string, Stored>();
  #history: Happened[] = [];
  /** Of pages that are not read to their end: what they were taken of. */
  readonly #snapshots = new Map<string, { readonly items: readonly Stored[]; readonly version: number }>();
  readonly #watchers = new Set<Watcher>();
  #version = 1_000_000;
  /** Watches from before are answered 410. */
  #oldest = 0;

  get watching(): number {
    return this.#watchers.size;
  }

  get(path: string): Stored | undefined {
    return this.#objects.get(path);
  }

  /** What is stored under the path of a list, by path of the object. */
  stored(list: string): ReadonlyMap<string, Stored> {
    return new Map([...this.#objects].filter(([path]) => isIn(path, list)));
  }

  /** Stores an object at `path`, of a new uid where none is. */
  put(path: string, fields: { readonly [field: string]: unknown } = {}): Stored {
    const held = this.#objects.get(path);
    const given = isRecord(fields['metadata']) ? fields['metadata'] : {};
    const [namespace = '', , name = ''] = path.split('/').slice(-3);
    const uid = held?.metadata.uid ?? randomUUID();
    const version = ++this.#version;
    const object: Stored = {
      ...fields,
      metadata: { ...given, namespace, name, uid, resourceVersion: String(version) },
    };
    this.#objects.set(path, object);
    this.#happen(path, held ? 'MODIFIED' : 'ADDED', object);
    return object;
  }

  remove(path: string): void {
    const held = this.#objects.get(path);
    if (!held) return;
    this.#objects.delete(path);
    const version = ++this.#version;
    this.#happen(path, 'DELETED', { ...held, metadata: { ...held.metadata, resourceVersion: String(version) } });
  }

  /** Forgets what happened until now: watches from before, and pages that are under way, are answered 410. */
  compact(): void {
    this.#oldest = this.#version;
    this.#history = [];
    this.#snapshots.clear();
  }

  /** Forgets as a server does that is restored from a backup: versions begin again, well before those it gave. */
  restore(): void {
    this.#version -= 1_000;
    this.compact();
    for (const [path, object] of this.#objects)
      this.#objects.set(path, {
        ...object,
        metadata: { ...object.metadata, resourceVersion: String(this.#version) },
      });
    this.disturb('reset');
  }

  /** At most `limit` objects from where a page ended (0: all of them), or undefined where that page is forgotten. */
  page(list: string, limit: number, from: string | undefined): Page | undefined {
    if (from !== undefined && !this.#snapshots.has(from)) return undefined;
    const { items, version } = this.#snapshots.get(from ?? '') ?? {
      items: [...this.stored(list).values()],
      version: this.#version,
    };
    if (limit === 0 || items.length <= limit) return { items, version, next: undefined };
    const next = randomUUID();
    this.#snapshots.set(next, { items: items.slice(limit), version });
    return { items: items.slice(0, limit), version, next };
  }

  /** Tells `sink` of what happens after a version; `stop` ends that. A version of the future is refused. */
  watch(list: string, from: number, sink: Sink): { readonly stop: () => void } | undefined {
    if (from > this.#version) return undefined;
    const watcher: Watcher = { list, sink, silent: false };
    if (from < this.#oldest) {
      this.#disturb(watcher, 'expired');
      sink.end('end');
      return { stop: () => {} };
    }
    this.#watchers.add(watcher);
    for (const happened of this.#history)
      if (isIn(happened.path, list) && happened.version > from) sink.send(happened.type, happened.object);
    return { stop: () => this.#watchers.delete(watcher) };
  }

  disturb(fault: WatchFault): void {
    for (const watcher of [...this.#watchers]) this.#disturb(watcher, fault);
  }

  #disturb(watcher: Watcher, fault: WatchFault): void {
    const send = (type: string, object: unknown): void => {
      if (!watcher.silent) watcher.sink.send(type, object);
    };
    const past = this.#history.filter(({ path }) => isIn(path, watcher.list));
    switch (fault) {
      case 'silent':
        watcher.silent = true;
        break;
      case 'bookmark':
        send('BOOKMARK', { metadata: { resourceVersion: String(this.#version) } });
        break;
      case 'expired':
        send('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' });
        break;
      case 'error':
        send('ERROR', { kind: 'Status', code: 500, reason: 'InternalError', message: 'etcd is gone' });
        break;
      case 'repeat last':
        for (const { type, object } of past.slice(-1)) send(type, object);
        break;
      case 'repeat all':
        for (const { type, object } of past) send(type, object);
        break;
      case 'reset':
      case 'end':
      case 'cut off':
      case 'not json':
        watcher.sink.end(fault);
        this.#watchers.delete(watcher);
        break;
    }
  }

  #happen(path: string, type: string, object: Stored): void {
    this.#history.push({ type, version: this.#version, path, object });
    for (const watcher of this.#watchers)
      if (isIn(path, watcher.list) && !watcher.silent) watcher.sink.send(type, object);
  }
}

/** Whether the object at `path` is in a list: of its namespace, or of all. */
function isIn(path: string, list: string): boolean {
  const own = path.slice(0, path.lastIndexOf('/'));
  return own === list || own.replace(/\/namespaces\/[^/]+\//, '/') === list;
}

/** An object's path has one part more than its list's. */
export const isObjectPath = (path: string): boolean => /\/namespaces\/[^/]+\/[^/]+\/[^/]+$/.test(path);
