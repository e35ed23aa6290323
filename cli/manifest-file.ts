import { readFile } from 'node:fs/promises';
import { UserError, messageOf } from '../common/errors.ts';
import type { DraftOf, Kind } from '../operator/api/resource.ts';
import { validate } from '../operator/api/validate.ts';
import { readManifests } from '../operator/store/manifest.ts';

/** The one object of a kind in a file of YAML or JSON, validated as the operator would. */
export async function readManifestFile<K extends Kind>(kind: K, file: string): Promise<DraftOf<K>> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw new UserError(`${file}: cannot read: ${messageOf(error)}`);
  }
  const { manifests, problems } = readManifests(file, bytes);
  if (problems.length > 0) throw problemsOf(file, problems);
  const found = manifests.filter(({ key }) => key.kind === kind);
  const [manifest] = found;
  if (manifest === undefined || found.length > 1) throw new UserError(`${file}: want one ${kind}, got ${found.length}`);
  const wrong = validate(manifest.object);
  if (wrong.length > 0) throw problemsOf(file, wrong);
  return manifest.object as unknown as DraftOf<K>;
}

/** The first problem as the error, the others as hints. */
export function problemsOf(
  file: string,
  problems: readonly { readonly path: string; readonly message: string }[],
): UserError {
  const [first = '', ...more] = problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  return new UserError(
    `${file}: ${first}`,
    more.map((problem) => `and ${problem}`),
  );
}
