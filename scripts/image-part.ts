import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

/** A component of CycloneDX. Digests are those of the archive that it came in, by the file that locks it. */
export type Component = {
  readonly type: 'library' | 'platform';
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
  readonly hashes?: readonly [{ readonly alg: 'SHA-256' | 'SHA-512'; readonly content: string }];
  readonly licenses: readonly [{ readonly expression: string } | { readonly license: { readonly id: string } }];
  readonly cpe?: string;
  readonly purl: string;
};

/** What others made and an image has inside. */
export type Part = {
  readonly component: Component;
  /** Where its licence is in the image, under /app/licenses. */
  readonly folder: string;
  /** Files with its licence and notices. */
  readonly texts: readonly string[];
  /** The folder that has them in the repository where it comes with none. */
  readonly kept: string;
};

/** A part with the texts that are in `from`, else those that are kept in images/licenses/`kept`. */
export function partOf(
  component: Component,
  { folder, from, kept }: { readonly folder: string; readonly from: string; readonly kept: string },
): Part {
  const own = join('images/licenses', kept);
  const found = [from, join(root, own)].map(licenseFiles).find((texts) => texts.length > 0) ?? [];
  return { component, folder, texts: found, kept: own };
}

// COPYRIGHT-library is that of Rust's libraries: the one of Rust itself is of compilers, which are in no image.
const licenseFiles = (folder: string): readonly string[] =>
  (existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : [])
    .filter((entry) => entry.isFile() && /^((un)?licen[cs]e|copying|notice|copyright($|-library))/i.test(entry.name))
    .map(({ name }) => join(folder, name))
    .toSorted();
