import type { Key, Kind, ResourceOf } from '../api/resource.ts';
import type { ManifestProblem } from './manifest.ts';
import type { StoredEvent } from './resource-store.ts';

/** What the operator knows, read anew from disk by each call, whether or not an operator runs. Never Secrets. */
export interface FolderView {
  list<K extends Kind>(kind: K): Promise<readonly ResourceOf<K>[]>;
  get<K extends Kind>(key: Key<K>): Promise<ResourceOf<K> | undefined>;
  events(key: Key): Promise<readonly StoredEvent[]>;
  /** What is wrong with the manifests as they are on disk now. */
  problems(): Promise<readonly ManifestProblem[]>;
  /** The process of the operator that has the folder open; undefined where none runs. */
  operator(): Promise<{ readonly pid: number } | undefined>;
}

/** Opens what an operator wrote about `folder`; throws a UserError where none ever ran. */
export function openFolderView(_folder: string, _options: { readonly stateDir?: string | undefined } = {}): Promise<FolderView> {
  throw new Error('not written yet');
}
