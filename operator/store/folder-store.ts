import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { quote } from '../../common/bytes.ts';
import { systemClock } from '../../common/clock.ts';
import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import { silentLog } from '../../common/log.ts';
import type { Log } from '../../common/log.ts';
import { names } from '../api/named.ts';
import { keyOf, keyString, resourcesOf } from '../api/resource.ts';
import type { Draft, Identified, Key, Kind, Resource, ResourceOf } from '../api/resource.ts';
import { validate } from '../api/validate.ts';
import { admit, decide, deleted } from './decide.ts';
import { decideSecrets, secretName } from './decide-secrets.ts';
import { FolderFiles } from './folder-files.ts';
import { lockFolder } from './folder-lock.ts';
import type { FolderLock } from './folder-lock.ts';
import { FolderWatch } from './folder-watch.ts';
import { problemText } from './manifest.ts';
import type { ManifestProblem, SecretManifest } from './manifest.ts';
import { openObjectTable } from './object-table.ts';
import type { ObjectTable } from './object-table.ts';
import type { EventType, ResourceStore, StoredEvent } from './resource-store.ts';
import type { SecretSource } from './secret-source.ts';
import { claimStateFolder, makeStateFolder } from './state-folder.ts';

export type FolderStoreOptions = {
  /** Where state lies; `.holdfast` in the folder when absent. See stateFolder(). */
  readonly stateDir?: string | undefined;
  readonly clock?: Clock;
  readonly log?: Log;
  /** Called with all problems of the manifests whenever they change; also on opening, where there are any. */
  readonly onProblems?: (problems: readonly ManifestProblem[]) => void;
  /** How long a file has to be left alone before it is believed, in milliseconds. */
  readonly quietMs?: number;
  /** How often the folder is read without being told of a change, in milliseconds: watchers get lost. */
  readonly rescanMs?: number;
};

const defaultQuietMs = 200;
const defaultRescanMs = 5_000;
/** How often a rescan reads the folder at most; a file that is written all the time is waited for elsewhere. */
const maxScans = 20;
const eventsMs = 1_000;

/**
 * Opens the manifests in `folder` for the one operator that may, and reads them. Throws a UserError where another has
 * the folder open, its state cannot be written, or a file of it is not as it was written.
 */
export async function openFolderStore(folder: string, options: FolderStoreOptions = {}): Promise<FolderStore> {
  const state = await makeStateFolder(folder, options.stateDir);
  const lock = await lockFolder(state);
  try {
    await claimStateFolder(state, folder, options.stateDir);
    const store = new FolderStore({ folder, state, lock, table: await openObjectTable(state) }, options);
    try {
      await store.rescan();
      return store;
    } catch (error) {
      await store.close();
      throw error;
    }
  } catch (error) {
    await lock.release();
    throw error;
  }
}

type Opened = {
  readonly folder: string;
  readonly state: string;
  readonly lock: FolderLock;
  readonly table: ObjectTable;
};

/**
 * Resources and Secrets from a folder of manifests, which is only read. What is in force, with uids, statuses and events,
 * lies in the state folder: on disk before it is shown to anybody.
 */
export class FolderStore implements ResourceStore, SecretSource {
  readonly #table: ObjectTable;
  readonly #lock: FolderLock;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #onProblems: (problems: readonly ManifestProblem[]) => void;
  readonly #quietMs: number;
  readonly #rescanMs: number;
  readonly #manifests: FolderFiles;
  readonly #watch = new FolderWatch(() => this.#scanWithin(this.#quietMs));

  #secrets: ReadonlyMap<string, SecretManifest> = new Map();
  #problems: readonly ManifestProblem[] = [];
  #missing: ReadonlySet<string> = new Set();
  #named: ReadonlySet<string> = new Set();

  #queue: Promise<unknown> = Promise.resolve();
  #nextScan: Timer | undefined;
  #nextSave: Timer | undefined;
  #closed = false;

  constructor({ folder, state, lock, table }: Opened, options: FolderStoreOptions) {
    this.#table = table;
    this.#lock = lock;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? silentLog;
    this.#onProblems = options.onProblems ?? (() => {});
    this.#quietMs = options.quietMs ?? defaultQuietMs;
    this.#rescanMs = options.rescanMs ?? defaultRescanMs;
    this.#manifests = new FolderFiles(folder, this.#quietMs, [state]);
  }

  async list<K extends Kind>(kind: K, named?: Key): Promise<readonly ResourceOf<K>[]> {
    const all = this.#table.all();
    return resourcesOf(kind, named === undefined ? all : all.filter((resource) => names(resource, named)));
  }

  async get<K extends Kind>(key: Key<K>): Promise<ResourceOf<K> | undefined> {
    // What a key's name leads to is of the key's kind.
    return this.#table.get(key)?.resource as ResourceOf<K> | undefined;
  }

  changes(signal: AbortSignal): AsyncIterable<Key> {
    return this.#table.changes(signal);
  }

  apply(object: Draft): Promise<void> {
    return this.#exclusive(async () => {
      const draft = asJson(object);
      const key = keyOf<Kind>(draft);
      const before = this.#table.get(key);
      if (before?.file !== undefined)
        throw new Error(`${keyString(key)} is a user's, in ${quote(before.file, 200)}: only there it changes`);
      if (!before && this.#named.has(keyString(key)))
        throw new Error(`${keyString(key)} is in a user's manifest, which has problems: it is not made in another way`);
      const [problem] = validate(draft, before?.resource);
      if (problem) throw new Error(`${keyString(key)}: ${problem.path}: ${problem.message}`);
      const birth = { now: this.#clock.now(), uid: randomUUID };
      const resource = admit(draft, before?.resource, birth, before?.resource.metadata.deletionTimestamp);
      if (resource !== before?.resource) await this.#table.put({ resource });
    });
  }

  remove(key: Key): Promise<void> {
    return this.#exclusive(async () => {
      const before = this.#table.get(key);
      if (!before) return;
      if (before.file !== undefined && before.resource.metadata.deletionTimestamp === undefined)
        throw new Error(`${keyString(key)} is a user's, in ${quote(before.file, 200)}: only there it is deleted`);
      const left = deleted(before, this.#clock.now());
      await (left ? this.#table.put(left) : this.#table.drop(key));
    });
  }

  writeStatus<K extends Kind>(object: Identified<K>, status: NonNullable<ResourceOf<K>['status']>): Promise<void> {
    const key = keyOf(object);
    return this.#exclusive(async () => {
      const before = this.#table.get(key);
      const plain: unknown = asJson(status);
      if (before?.resource.metadata.uid !== object.metadata.uid) return;
      if (isDeepStrictEqual(plain, before.resource.status)) return;
      const resource = { ...before.resource, status: plain } as Resource;
      // A spec that was taken stays so, whatever a newer schema would say of it.
      const problem = validate(resource).find(({ path }) => /^status\b/.test(path));
      if (problem) throw new Error(`${keyString(key)}: ${problem.path}: ${problem.message}`);
      await this.#table.put({ ...before, resource });
    });
  }

  async event(key: Key, type: EventType, reason: string, message: string, at = Infinity): Promise<void> {
    if (this.#closed || !this.#table.get(key)) return;
    this.#table.addEvent(key, { type, reason, message }, Math.min(at, this.#clock.now()));
    this.#nextSave ??= timer(eventsMs, () => {
      this.#nextSave = undefined;
      void this.#exclusive(() => this.#table.saveEvents()).catch((error: unknown) =>
        this.#failed('cannot save events', error),
      );
    });
  }

  async events(key: Key): Promise<readonly StoredEvent[]> {
    return this.#table.events(key);
  }

  async secret(namespace: string, name: string): Promise<ReadonlyMap<string, Uint8Array> | undefined> {
    const data = this.#secrets.get(secretName(namespace, name))?.data;
    // Copies, which whoever asked may erase.
    return data && new Map([...data].map(([key, bytes]) => [key, bytes.slice()]));
  }

  /** The manifest that an object in force is from, relative to the folder; undefined where the operator made it. */
  fileOf(key: Key): string | undefined {
    return this.#table.get(key)?.file;
  }

  /** What is wrong with manifests now. What they said before stays in force. */
  problems(): readonly ManifestProblem[] {
    return this.#problems;
  }

  /** Reads the folder now, rather than when a change is noticed, and again until no file is being written or missed. */
  async rescan(): Promise<void> {
    for (let scans = 0; scans < maxScans; scans++) {
      const pause = await this.#exclusive(() => this.#scan());
      if (pause === undefined) break;
      await sleep(pause);
    }
    this.#scanWithin(this.#rescanMs);
  }

  /** Ends changes(), writes what is pending and lets another process open the folder. */
  async close(): Promise<void> {
    if (this.#closed) return;
    const saved = this.#exclusive(() => this.#table.saveEvents());
    this.#closed = true;
    this.#nextScan?.cancel();
    this.#nextSave?.cancel();
    this.#table.close();
    try {
      await saved;
    } finally {
      this.#watch.close();
      await this.#lock.release();
    }
  }

  /** Runs changes one after another, each upon what the one before left. */
  #exclusive<T>(change: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new Error('the store is closed'));
    const result = this.#queue.then(change);
    this.#queue = result.catch(() => {});
    return result;
  }

  /** Reads the folder once `ms` have passed, or when it would be read anyway if that is sooner. */
  #scanWithin(ms: number): void {
    const at = performance.now() + ms;
    if (this.#closed || (this.#nextScan && this.#nextScan.at <= at)) return;
    this.#nextScan?.cancel();
    this.#nextScan = timer(ms, () => {
      this.#nextScan = undefined;
      this.#exclusive(() => this.#scan()).then(
        (pause) => this.#scanWithin(pause ?? this.#rescanMs),
        (error: unknown) => {
          this.#failed('cannot take what the manifests say', error);
          this.#scanWithin(this.#rescanMs);
        },
      );
    });
  }

  /** Does what the manifests say now. Where they may not be at rest, in how many milliseconds to look again. */
  async #scan(): Promise<number | undefined> {
    const { folders, unsettled, ...scan } = await this.#manifests.scan();
    // What a file that is being written holds is not known, as if it could not be read.
    const found = { readings: scan.readings, partial: scan.partial || unsettled };
    const decision = decide(this.#table.stored, found, this.#missing, { now: this.#clock.now(), uid: randomUUID });
    this.#missing = decision.missing;
    this.#named = decision.named;
    for (const object of decision.put) await this.#table.put(object);
    for (const key of decision.drop) await this.#table.drop(key);
    const { secrets, problems } = decideSecrets(this.#secrets, found);
    this.#takeSecrets(secrets);
    this.#report([...decision.problems, ...problems]);
    const unseen = await this.#watch.update(folders);
    if (unsettled || decision.missing.size > 0) return this.#quietMs;
    return unseen ? 0 : undefined;
  }

  /** Whoever waits for a Secret or uses one hears of it as of a change of their own. */
  #takeSecrets(secrets: ReadonlyMap<string, SecretManifest>): void {
    const data = (name: string, all: ReadonlyMap<string, SecretManifest>): unknown => all.get(name)?.data;
    const names = new Set([...this.#secrets.keys(), ...secrets.keys()]);
    const changed = [...names].filter((name) => !isDeepStrictEqual(data(name, this.#secrets), data(name, secrets)));
    const namespaces = new Set(changed.map((name) => name.slice(0, name.indexOf('/'))));
    this.#secrets = secrets;
    const users = this.#table
      .all()
      .filter(({ kind, metadata }) => (kind === 'Wallet' || kind === 'Signer') && namespaces.has(metadata.namespace));
    this.#table.publish(users.map((resource) => keyOf<Kind>(resource)));
  }

  #report(problems: readonly ManifestProblem[]): void {
    if (isDeepStrictEqual(problems, this.#problems)) return;
    const known = new Set(this.#problems.map(problemText));
    this.#problems = problems;
    for (const problem of problems)
      if (problem.key && !known.has(problemText(problem)))
        void this.event(problem.key, 'Warning', 'InvalidManifest', problemText(problem));
    this.#onProblems(problems);
  }

  #failed(message: string, error: unknown): void {
    if (!this.#closed) this.#log.error(message, { error: messageOf(error) });
  }
}

type Timer = { readonly at: number; readonly cancel: () => void };

/** In real time, as the times of files are. */
function timer(ms: number, run: () => void): Timer {
  const timeout = setTimeout(run, ms);
  return { at: performance.now() + ms, cancel: () => clearTimeout(timeout) };
}

/** A copy without members that are undefined, as it will be read back. */
const asJson = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
