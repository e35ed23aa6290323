/** Which packages an image is made of, and the words about them that go with it. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Part, partOf } from './image-part.ts';

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
const nameOf = (folder: string): string => folder.slice(folder.lastIndexOf('node_modules/') + 13);

/** Folders of the packages that are in these bundles, as esbuild told. */
export function bundledPackages(bundles: readonly string[]): readonly string[] {
  const { outputs } = read('dist/meta.json') as Metafile;
  const inputs = bundles.flatMap((bundle) => Object.keys(outputs[`dist/${bundle}`]?.inputs ?? {}));
  return [...new Set(inputs.flatMap((file) => packageOf(file) ?? []))].toSorted();
}

/** The package in `folder`, as package-lock.json has it. */
export function packagePart(folder: string): Part {
  const locked = (read('package-lock.json') as Lock).packages[folder];
  if (locked?.license === undefined) throw new Error(`package-lock.json has no licence of ${folder}`);
  const name = nameOf(folder);
  return partOf(
    {
      type: 'library',
      'bom-ref': folder,
      name,
      version: locked.version,
      hashes: [
        { alg: 'SHA-512', content: Buffer.from(locked.integrity.replace('sha512-', ''), 'base64').toString('hex') },
      ],
      licenses: [{ expression: locked.license }],
      purl: `pkg:npm/${name.replace('@', '%40')}@${locked.version}`,
    },
    { folder: name, from: join(root, folder), kept: name },
  );
}

/** Node, whose program is in the file `node`. */
export function nodePart(node: string): Part {
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim().slice(1);
  return partOf(
    {
      type: 'platform',
      'bom-ref': `node@${version}`,
      name: 'node',
      version,
      licenses: [{ license: { id: 'MIT' } }],
      cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`,
      purl: `pkg:generic/node@${version}`,
    },
    { folder: 'node', from: join(dirname(node), '..'), kept: 'node' },
  );
}
