/** What the signer's addon adds to what an image is made of, and the words about that which go with it. */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Crate, linkedCrates, told } from './crates.ts';
import { type Part, partOf } from './image-part.ts';

/** Parts of the addon in `file`: Rust's own library, and each crate that is linked into it. */
export function addonParts(file: string): readonly Part[] {
  return [standardLibrary(file), ...linkedCrates().map(cratePart)];
}

function cratePart({ name, version, license, sha256, repository, folder }: Crate): Part {
  const id = `${name}@${version}`;
  if (license === '') throw new Error(`${id} does not say under which licence it is`);
  if (sha256 === undefined) throw new Error(`Cargo.lock has no checksum of ${id}`);
  const purl = `pkg:cargo/${id}`;
  return partOf(
    {
      type: 'library',
      'bom-ref': purl,
      name,
      version,
      hashes: [{ alg: 'SHA-256', content: sha256 }],
      licenses: [{ expression: license }],
      purl,
    },
    // Crates of one repository that come without its licence share it.
    { folder: `crates/${id}`, from: folder, kept: basename(repository ?? name) },
  );
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
