import { UserError } from '../../common/errors.ts';
import { keyString, resourcesOf } from '../api/resource.ts';
import type { Key, Kind, Resource, ResourceOf } from '../api/resource.ts';
import { decide } from './decide.ts';
import type { Stored } from './decide.ts';
import { decideSecrets } from './decide-secrets.ts';
import { FolderFiles } from './folder-files.ts';
import { ownerOf } from './folder-lock.ts';
import type { Owner } from './folder-lock.ts';
import type { Manifest, ManifestProblem } from './manifest.ts';
import { objectFiles, readEvents, readObject, storedKeys } from './object-files.ts';
import type { ObjectFiles } from './object-files.ts';
import type { StoredEvent } from './resource-store.ts';
import { hasState, stateFolder } from './state-folder.ts';

/** Opens what an operator wrote about `folder`; throws a UserError where none ever ran. */
export async function openFolderView(
  folder: string,
  { stateDir }: { readonly stateDir?: string | undefined } = {},
): Promise<FolderView> {
  const state = stateFolder(folder, stateDir);
  if (!(await hasState(state)))
    throw new UserError(`no Holdfast operator ever ran on ${folder}: there is no state in ${state}`, [
      `start one with: holdfast up ${folder}`,
      'or name the folder of manifests that one runs on, with --dir or HOLDFAST_DIR',
    ]);
  return new FolderView(folder, state);
}

/**
 * What the operator knows, read anew from disk by each call, whether or not an operator runs. Writes nothing, and gives
 * no Secrets. Calls throw a UserError where a file of the state is not as it was written.
 */
export class FolderView {
  readonly #folder: string;
  readonly #state: string;
  readonly #files: ObjectFiles;

  constructor(folder: string, state: string) {
    this.#folder = folder;
    this.#state = state;
    this.#files = objectFiles(state);
  }

  async list<K extends Kind>(kind: K): Promise<readonly ResourceOf<K>[]> {
    const stored = await this.#stored(kind);
    return resourcesOf(kind, [...stored.values()].flatMap(inForce));
  }

  async get<K extends Kind>(key: Key<K>): Promise<ResourceOf<K> | undefined> {
    const stored = await readObject(this.#files, key);
    // An object is read only where it is what the key says.
    return stored?.gone === undefined ? (stored?.resource as ResourceOf<K> | undefined) : undefined;
  }

  events(key: Key): Promise<readonly StoredEvent[]> {
    return readEvents(this.#files, key);
  }

  /** The manifests as they are on disk now, in force or not, and what is wrong with them. */
  async manifests(): Promise<{
    readonly manifests: readonly Manifest[];
    readonly problems: readonly ManifestProblem[];
  }> {
    const scan = await new FolderFiles(this.#folder, 0, [this.#state]).scan();
    const decision = decide(await this.#stored(), scan, new Set(), { now: 0, uid: () => '' });
    return {
      manifests: scan.readings.flatMap(({ manifests }) => manifests),
      problems: [...decision.problems, ...decideSecrets(new Map(), scan).problems],
    };
  }

  /** The process of the operator that has the folder open; undefined where none runs. */
  operator(): Promise<Owner | undefined> {
    return ownerOf(this.#state);
  }

  async #stored(kind?: Kind): Promise<ReadonlyMap<string, Stored>> {
    const stored = new Map<string, Stored>();
    for (const key of await storedKeys(this.#files, kind)) {
      const object = await readObject(this.#files, key);
      if (object) stored.set(keyString(key), object);
    }
    return stored;
  }
}

const inForce = ({ resource, gone }: Stored): readonly Resource[] => (gone === undefined ? [resource] : []);
