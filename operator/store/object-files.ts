import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTime } from '../../common/clock.ts';
import { isObject } from '../api/check-schema.ts';
import { apiVersion, isKind, keyOf, keyString } from '../api/resource.ts';
import type { Key, Resource } from '../api/resource.ts';
import { isMissing, removeDurably, writeAtomically } from '../atomic-file.ts';
import type { Stored } from './decide.ts';
import { readKey } from './manifest-key.ts';
import type { StoredEvent } from './resource-store.ts';
import { corrupt } from './state-folder.ts';

const maxBytes = 32 * 1024 * 1024;

/** A folder for each object under `store/objects/`, named by kind, namespace and name: the object, and what happened to it. */
export type ObjectFiles = { readonly root: string };

export const objectFiles = (state: string): ObjectFiles => ({ root: join(state, 'store', 'objects') });

const folderOf = ({ root }: ObjectFiles, { kind, namespace, name }: Key): string => join(root, kind, namespace, name);
const objectFile = (files: ObjectFiles, key: Key): string => join(folderOf(files, key), 'object.json');
const eventsFile = (files: ObjectFiles, key: Key): string => join(folderOf(files, key), 'events.json');

/** The names of all objects that have a folder, of which a crash may have left one empty. */
export async function storedKeys(files: ObjectFiles, only?: Key['kind']): Promise<readonly Key[]> {
  const found: Key[] = [];
  for (const kind of await entries(files.root))
    if (only === undefined || kind === only)
      for (const namespace of await entries(join(files.root, kind)))
        for (const name of await entries(join(files.root, kind, namespace))) {
          const key = readKey({ apiVersion, kind, metadata: { namespace, name } });
          if ('problem' in key || key.kind === undefined)
            throw corrupt(join(files.root, kind, namespace, name), 'is no name of an object', 'move it elsewhere');
          found.push({ kind: key.kind, namespace, name });
        }
  return found;
}

/** Undefined where there is none; throws a UserError that names the file where it is not as it was written. */
export async function readObject(files: ObjectFiles, key: Key): Promise<Stored | undefined> {
  const file = objectFile(files, key);
  try {
    const text = await read(file);
    return text === undefined ? undefined : decodeStored(text, key);
  } catch (error) {
    throw corrupt(
      file,
      error,
      `or move it away: the object is then new, without status or events, and what could not change of ${keyString(key)} is forgotten; signers keep their keys`,
    );
  }
}

export async function readEvents(files: ObjectFiles, key: Key): Promise<readonly StoredEvent[]> {
  const file = eventsFile(files, key);
  try {
    const text = await read(file);
    const events: unknown = text === undefined ? [] : JSON.parse(text);
    if (!Array.isArray(events) || !events.every(isEvent)) throw new Error('want a list of events');
    return events;
  } catch (error) {
    throw corrupt(file, error, `or delete it: only the events of ${keyString(key)} are lost`);
  }
}

export const writeObject = (files: ObjectFiles, { resource, file, gone }: Stored, scratch: string): Promise<void> =>
  writeAtomically(objectFile(files, keyOf(resource)), `${JSON.stringify({ file, gone, resource })}\n`, scratch);

export const writeEvents = (
  files: ObjectFiles,
  key: Key,
  events: readonly StoredEvent[],
  scratch: string,
): Promise<void> => writeAtomically(eventsFile(files, key), `${JSON.stringify(events)}\n`, scratch);

export const removeEvents = (files: ObjectFiles, key: Key): Promise<void> => removeDurably(eventsFile(files, key));

export const removeObject = (files: ObjectFiles, key: Key): Promise<void> => removeDurably(folderOf(files, key));

async function read(file: string): Promise<string | undefined> {
  try {
    const { size } = await stat(file);
    if (size > maxBytes) throw new Error(`want at most ${maxBytes} bytes, got ${size}`);
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

const entries = (folder: string): Promise<readonly string[]> =>
  readdir(folder).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });

function decodeStored(text: string, key: Key): Stored {
  const { file, gone, resource, ...rest }: Record<string, unknown> = object(JSON.parse(text));
  if (Object.keys(rest).length > 0 || !isText(file) || !(gone === undefined || Number.isSafeInteger(gone)))
    throw new Error('want a resource, with the file that it is from and when it was gone');
  const { apiVersion: version, kind, metadata, spec, status, ...others } = object(resource);
  const { name, namespace, uid, generation, creationTimestamp, deletionTimestamp } = object(metadata);
  if (
    version !== apiVersion ||
    !isKind(kind) ||
    !isObject(spec) ||
    !(status === undefined || isObject(status)) ||
    Object.keys(others).length > 0
  )
    throw new Error('want a resource of this version');
  if (kind !== key.kind || namespace !== key.namespace || name !== key.name)
    throw new Error(`want ${keyString(key)}, got another object`);
  if (
    typeof uid !== 'string' ||
    !Number.isSafeInteger(generation) ||
    typeof creationTimestamp !== 'string' ||
    !isText(deletionTimestamp)
  )
    throw new Error('want metadata with uid, generation and creationTimestamp');
  return {
    // What spec and status say was checked before they were written.
    resource: resource as Resource,
    ...(file === undefined ? {} : { file }),
    ...(gone === undefined ? {} : { gone: Number(gone) }),
  };
}

function object(value: unknown): Readonly<Record<string, unknown>> {
  if (!isObject(value)) throw new Error('want an object');
  return value;
}

const isText = (value: unknown): value is string | undefined => value === undefined || typeof value === 'string';

const isEvent = (value: unknown): value is StoredEvent =>
  isObject(value) &&
  (value['type'] === 'Normal' || value['type'] === 'Warning') &&
  Number.isSafeInteger(value['count']) &&
  typeof value['reason'] === 'string' &&
  typeof value['message'] === 'string' &&
  isTime(value['firstTimestamp']) &&
  isTime(value['lastTimestamp']);

/** Throws where it is text of another form. */
const isTime = (value: unknown): boolean => typeof value === 'string' && parseTime(value) >= 0;
