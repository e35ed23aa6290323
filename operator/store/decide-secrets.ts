import { place } from './manifest.ts';
import type { ManifestProblem, Reading, SecretManifest } from './manifest.ts';

/** `namespace/name`: unique, because neither contains a slash. */
export const secretName = (namespace: string, name: string): string => `${namespace}/${name}`;

/** The Secrets in force, kept in memory only. As with objects, a manifest that cannot be used changes nothing. */
export function decideSecrets(
  known: ReadonlyMap<string, SecretManifest>,
  { readings, partial }: { readonly readings: readonly Reading[]; readonly partial: boolean },
): { readonly secrets: ReadonlyMap<string, SecretManifest>; readonly problems: readonly ManifestProblem[] } {
  const named = Map.groupBy(
    readings.flatMap(({ secrets }) => secrets),
    ({ namespace, name }) => secretName(namespace, name),
  );
  const unclear = new Set(readings.filter((reading) => reading.unclear).map(({ file }) => file));
  const kept = [...known].filter(([name, { file }]) => named.has(name) || partial || unclear.has(file));
  const single = [...named].flatMap(([name, [secret, ...others]]): [string, SecretManifest][] =>
    secret && others.length === 0 ? [[name, secret]] : [],
  );
  const problems = [...named.values()]
    .filter((secrets) => secrets.length > 1)
    .flatMap((secrets) =>
      secrets.map(({ file, document, namespace, name }, i) => ({
        file,
        document,
        path: 'metadata.name',
        message: `Secret ${secretName(namespace, name)} is also in ${place(secrets[i === 0 ? 1 : 0] ?? { file, document })}: keep one of them`,
      })),
    );
  return { secrets: new Map([...kept, ...single]), problems };
}
