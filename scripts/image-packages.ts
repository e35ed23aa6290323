/** Which packages an image is made of, and the words about them that go with it. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const read = (file: string): unknown => JSON.parse(readFileSync(join(root, file), 'utf8'));

type Metafile = {
  readonly outputs: Readonly<Record<string, { readonly inputs: Readonly<Record<string, unknown>> }>>;
};
type Lock = {
  readonly packages: Readonly<
    Record<string, { readonly version: string; readonly integrity: string; readonly license?: string }>
  >;
};

/** The folder of the package that a file is of, as package-lock.json names it; undefined where the file is ours. */
export const packageOf = (file: string): string | undefined =>
  /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];

/** `node_modules/@noble/hashes` is `@noble/hashes`. */
export const nameOf = (folder: string): string => folder.slice(folder.lastIndexOf('node_modules/') + 13);

/** Folders of the packages that are in these bundles, as esbuild told. */
export function bundledPackages(bundles: readonly string[]): readonly string[] {
  const { outputs } = read('dist/meta.json') as Metafile;
  const inputs = bundles.flatMap((bundle) => Object.keys(outputs[`dist/${bundle}`]?.inputs ?? {}));
  return [...new Set(inputs.flatMap((file) => packageOf(file) ?? []))].toSorted();
}

/** Files with a package's licence and notices. For one that comes with none they are in images/licenses. */
export function licenseFiles(folder: string): readonly string[] {
  for (const place of [folder, join('images/licenses', nameOf(folder))]) {
    const names = existsSync(join(root, place)) ? readdirSync(join(root, place)) : [];
    const found = names.filter((name) => /^((un)?licen[cs]e|copying|notice)/i.test(name)).toSorted();
    if (found.length > 0) return found.map((name) => join(place, name));
  }
  return [];
}

/**
 * What an image is made of beside the base, in CycloneDX: packages as they are locked, with the digests of their archives.
 * Without a time or a number of its own, so that it says the same of the same files.
 */
export function billOfMaterials(image: string, packages: readonly string[], node: string): object {
  const { version } = read('package.json') as { readonly version: string };
  const lock = read('package-lock.json') as Lock;
  const nodeVersion = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim().slice(1);
  const root = `holdfast-${image}@${version}`;
  const components = [
    {
      type: 'platform',
      'bom-ref': `node@${nodeVersion}`,
      name: 'node',
      version: nodeVersion,
      licenses: [{ license: { id: 'MIT' } }],
      cpe: `cpe:2.3:a:nodejs:node.js:${nodeVersion}:*:*:*:*:*:*:*`,
      purl: `pkg:generic/node@${nodeVersion}`,
    },
    ...packages.map((folder) => {
      const locked = lock.packages[folder];
      if (locked?.license === undefined) throw new Error(`package-lock.json has no licence of ${folder}`);
      const name = nameOf(folder);
      return {
        type: 'library',
        'bom-ref': folder,
        name,
        version: locked.version,
        hashes: [
          { alg: 'SHA-512', content: Buffer.from(locked.integrity.replace('sha512-', ''), 'base64').toString('hex') },
        ],
        licenses: [{ expression: locked.license }],
        purl: `pkg:npm/${name.replace('@', '%40')}@${locked.version}`,
      };
    }),
  ];
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': root,
        name: `holdfast-${image}`,
        version,
        licenses: [{ license: { id: 'Apache-2.0' } }],
      },
    },
    components,
    dependencies: [{ ref: root, dependsOn: components.map((component) => component['bom-ref']) }],
  };
}
