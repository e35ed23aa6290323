/** Which crates the signer's addon is made of, and the words about them that go with it. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Part, partOf } from './image-part.ts';

const native = join(import.meta.dirname, '../signer/native');

/** What `cargo metadata` tells of a crate. Of ours `source` is null. */
type Crate = {
  readonly name: string;
  readonly version: string;
  readonly source: string | null;
  readonly license: string | null;
  readonly repository: string | null;
  readonly manifest_path: string;
};

/** Of the sources that were fetched to build the addon; throws where one is not there, or no cargo. */
const told = (program: 'cargo' | 'rustc', ...args: readonly string[]): string =>
  execFileSync(program, args, { cwd: native, encoding: 'utf8', maxBuffer: 1e8 }).trimEnd();

/** Parts of the addon in `file`: Rust's own library, and each crate that is linked into it. */
export function addonParts(file: string): readonly Part[] {
  return [standardLibrary(file), ...linkedCrates().map(cratePart)];
}

/**
 * Dependencies of dependencies too, with the features they are built with here; none of those that only run while the
 * addon is built: macros, build scripts, tests. `cargo metadata` alone would not tell features of tests from ours.
 */
function linkedCrates(): readonly Crate[] {
  const tree = told('cargo', 'tree', '--locked', '--offline', '--edges=normal,no-proc-macro', '--prefix=none');
  const linked = new Set([...tree.matchAll(/^(\S+) v(\S+)/gm)].map(([, name, version]) => `${name}@${version}`));
  const platform = told('rustc', '--print=host-tuple');
  const metadata = told(
    'cargo',
    ...['metadata', '--locked', '--offline', '--format-version=1', `--filter-platform=${platform}`],
  );
  const { packages } = JSON.parse(metadata) as { readonly packages: readonly Crate[] };
  return packages.filter(({ name, version, source }) => source !== null && linked.has(`${name}@${version}`));
}

function cratePart({ name, version, license, repository, manifest_path }: Crate): Part {
  const id = `${name}@${version}`;
  if (license === null) throw new Error(`${id} does not say under which licence it is`);
  const purl = `pkg:cargo/${id}`;
  return partOf(
    {
      type: 'library',
      'bom-ref': purl,
      name,
      version,
      hashes: [{ alg: 'SHA-256', content: checksum(name, version) }],
      // As crates wrote OR before SPDX.
      licenses: [{ expression: license.replaceAll('/', ' OR ') }],
      purl,
    },
    // Crates of one repository that come without its licence share it.
    { folder: `crates/${id}`, from: dirname(manifest_path), kept: basename(repository ?? name) },
  );
}

/** SHA-256 of the crate's archive. */
function checksum(name: string, version: string): string {
  const lock = readFileSync(join(native, 'Cargo.lock'), 'utf8');
  const entry = lock.split('\n\n').find((text) => text.includes(`\nname = "${name}"\nversion = "${version}"\n`));
  const found = /^checksum = "([0-9a-f]{64})"$/m.exec(entry ?? '')?.[1];
  if (found === undefined) throw new Error(`Cargo.lock has no checksum of ${name} ${version}`);
  return found;
}

/** Of the version that the addon says it was compiled by. It has crates of its own, which its licences name. */
function standardLibrary(file: string): Part {
  const version = /rustc version (\d+\.\d+\.\d+)/.exec(readFileSync(file, 'latin1'))?.[1];
  if (version === undefined) throw new Error(`${file} does not say which rustc compiled it`);
  return partOf(
    {
      type: 'library',
      'bom-ref': `rust@${version}`,
      name: 'rust',
      version,
      licenses: [{ expression: 'MIT OR Apache-2.0' }],
      purl: `pkg:generic/rust@${version}`,
    },
    { folder: 'rust', from: join(told('rustc', '--print=sysroot'), 'share/doc/rust'), kept: 'rust' },
  );
}
