import type { Clock } from '../../common/clock.ts';
import type { Log } from '../../common/log.ts';
import type { Key } from '../api/resource.ts';
import type { ManifestProblem } from './manifest.ts';
import type { ResourceStore, StoredEvent } from './resource-store.ts';
import type { SecretSource } from './secret-source.ts';

export type FolderStoreOptions = {
  /** Where state lies; `.holdfast` in the folder when absent. See {@link stateFolder}. */
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

/** Opens the manifests in `folder` for the one operator that may; throws a UserError that says what to do. */
export function openFolderStore(_folder: string, _options: FolderStoreOptions = {}): Promise<FolderStore> {
  throw new Error('not written yet');
}

export interface FolderStore extends ResourceStore, SecretSource {
  /** What is wrong with manifests now. What they said before stays in force. */
  problems(): readonly ManifestProblem[];
  events(key: Key): Promise<readonly StoredEvent[]>;
  /** Reads the folder now, rather than when a change is noticed. */
  rescan(): Promise<void>;
  /** Ends changes(), writes what is pending and lets another process open the folder. */
  close(): Promise<void>;
}
