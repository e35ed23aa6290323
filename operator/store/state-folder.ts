import { mkdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, UserError } from '../../common/errors.ts';
import { isObject } from '../api/check-schema.ts';
import { isMissing, writeAtomically } from '../atomic-file.ts';
import { makeFolder } from '../make-folder.ts';

/** How state is laid out. An older Holdfast refuses what a newer one wrote. */
const version = 1;

/**
 * Where Holdfast keeps what it makes for a folder of manifests: `.holdfast` in it, or `stateDir` (HOLDFAST_STATE) where
 * the folder itself cannot be written to.
 */
export const stateFolder = (folder: string, stateDir?: string): string => stateDir ?? join(folder, '.holdfast');

/** Makes the state folder where it is missing, out of version control's sight. Throws a UserError where that fails. */
export async function makeStateFolder(folder: string, stateDir: string | undefined): Promise<string> {
  await checkManifests(folder);
  const state = stateFolder(folder, stateDir);
  try {
    await makeFolder(join(state, 'store'));
    await writeFile(join(state, '.gitignore'), '*\n', { flag: 'wx' }).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    });
  } catch (error) {
    throw new UserError(`cannot write to ${state}: ${messageOf(error)}`, [
      stateDir === undefined
        ? 'Holdfast only reads manifests, but keeps its state beside them in .holdfast: make the folder writable, or set HOLDFAST_STATE to a folder elsewhere'
        : 'HOLDFAST_STATE has to be a folder that Holdfast may write to',
    ]);
  }
  return state;
}

async function checkManifests(folder: string): Promise<void> {
  const problem = await stat(folder).then(
    (entry) => (entry.isDirectory() ? undefined : 'is not a folder'),
    (error: unknown) => (isMissing(error) ? 'does not exist' : messageOf(error)),
  );
  if (problem !== undefined)
    throw new UserError(`${folder}: ${problem}`, ['name a folder of manifests, like examples/quickstart']);
}

/**
 * Checks that state in `state` is of this version and, where it lies elsewhere, about `folder`; writes that down where
 * the state is new. A folder of manifests with its state inside may move.
 */
export async function claimStateFolder(state: string, folder: string, stateDir: string | undefined): Promise<void> {
  const about = stateDir === undefined ? '' : await realpath(folder);
  const known = await readFormat(state);
  if (known === undefined) {
    const scratch = await emptyScratch(state);
    await writeAtomically(formatFile(state), `${JSON.stringify({ version, folder: about })}\n`, scratch);
  } else if (stateDir !== undefined && known.folder !== about)
    throw new UserError(
      `${state} has the state of ${known.folder === '' ? 'the folder around it' : known.folder}, not of ${about}`,
      ['two folders of manifests cannot share their state: set HOLDFAST_STATE to another folder'],
    );
}

/** Whether Holdfast has state in this folder; throws a UserError where another version wrote it, or nobody who can write. */
export const hasState = async (state: string): Promise<boolean> => (await readFormat(state)) !== undefined;

async function readFormat(state: string): Promise<{ readonly folder: string } | undefined> {
  const file = formatFile(state);
  try {
    const format: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (!isObject(format) || typeof format['folder'] !== 'string') throw new Error('want a version and a folder');
    if (format['version'] !== version)
      throw new Error(`want version ${version}, got ${JSON.stringify(format['version'])}`);
    return { folder: format['folder'] };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw corrupt(file, error, 'if a newer Holdfast wrote it, use that one');
  }
}

/** A folder for unfinished writes without those of processes that crashed. Only who holds the lock may ask for it. */
export async function emptyScratch(state: string): Promise<string> {
  const scratch = join(state, 'store', 'scratch');
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  return scratch;
}

export const corrupt = (file: string, error: unknown, ...hints: readonly string[]): UserError =>
  new UserError(`cannot use the state file ${file}: ${messageOf(error)}`, ['restore the file from a backup', ...hints]);

const formatFile = (state: string): string => join(state, 'store', 'format.json');
