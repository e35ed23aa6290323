/**
 * Which crates the signer's addon is built and made of. As a program it checks where all of them are from and under which
 * licences they are: node scripts/crates.ts --check
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

const native = join(import.meta.dirname, '../signer/native');
const registry = 'registry+https://github.com/rust-lang/crates.io-index';
/** None of them asks more of whoever hands the addon on than to hand on its text. */
const allowed = ['Apache-2.0', 'MIT', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'Zlib', 'Unicode-3.0', 'Unlicense'];

export type Crate = {
  readonly name: string;
  readonly version: string;
  /** SPDX; empty where the crate does not say. */
  readonly license: string;
  /** Where it is from, as Cargo writes it; undefined of a folder. */
  readonly source: string | undefined;
  /** Of its archive, as Cargo.lock has it; hex. Undefined where it has none. */
  readonly sha256: string | undefined;
  readonly repository: string | undefined;
  readonly folder: string;
};

type Metadata = {
  readonly packages: readonly {
    readonly id: string;
    readonly name: string;
    readonly version: string;
    readonly license: string | null;
    readonly source: string | null;
    readonly repository: string | null;
    readonly manifest_path: string;
  }[];
  readonly resolve: { readonly root: string };
};

// Where Rust's own installer puts it, as in native.sh.
const installed = join(process.env['CARGO_HOME'] ?? join(homedir(), '.cargo'), 'bin');

/** What a program of Rust says, of sources that were fetched before. */
export const told = (program: 'cargo' | 'rustc', ...args: readonly string[]): string =>
  execFileSync(program, args, {
    cwd: native,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PATH: `${process.env['PATH']}:${installed}` },
  }).trimEnd();

/** All that the addon needs on this platform, those that only build or test it too. */
function allCrates(): readonly Crate[] {
  const platform = told('rustc', '--print=host-tuple');
  const flags = ['--locked', '--offline', '--format-version=1', `--filter-platform=${platform}`];
  const { packages, resolve } = JSON.parse(told('cargo', 'metadata', ...flags)) as Metadata;
  const checksums = lockedChecksums();
  return packages
    .filter(({ id }) => id !== resolve.root)
    .map(({ name, version, license, source, repository, manifest_path }) => ({
      name,
      version,
      // Older crates write `MIT/Apache-2.0`.
      license: license?.replaceAll('/', ' OR ') ?? '',
      source: source ?? undefined,
      sha256: checksums.get(`${name} ${version}`),
      repository: repository ?? undefined,
      folder: dirname(manifest_path),
    }))
    .toSorted((a, b) => (`${a.name} ${a.version}` < `${b.name} ${b.version}` ? -1 : 1));
}

/**
 * The crates whose code is in the addon, dependencies of dependencies too: no macros, nothing that only builds or tests
 * it. `cargo metadata` alone would not tell features that only tests want from the addon's.
 */
export function linkedCrates(): readonly Crate[] {
  const tree = told('cargo', 'tree', '--locked', '--offline', '--edges=normal,no-proc-macro', '--prefix=none');
  const linked = new Set([...tree.matchAll(/^(\S+) v(\S+)/gm)].map(([, name, version]) => `${name} ${version}`));
  return allCrates().filter(({ name, version }) => linked.has(`${name} ${version}`));
}

function lockedChecksums(): ReadonlyMap<string, string | undefined> {
  const lock = readFileSync(join(native, 'Cargo.lock'), 'utf8');
  const entry = /^name = "(.*)"\nversion = "(.*)"\nsource = ".*"\nchecksum = "([0-9a-f]{64})"$/gm;
  return new Map([...lock.matchAll(entry)].map(([, name, version, sum]) => [`${name} ${version}`, sum]));
}

/** Whether an SPDX expression can be met with licences that are allowed. AND binds tighter than OR. */
export function isAllowed(expression: string): boolean {
  const inner = /\(([^()]*)\)/.exec(expression);
  if (inner !== null)
    return isAllowed(expression.replace(inner[0], isAllowed(inner[1] ?? '') ? 'Apache-2.0' : 'unmet'));
  return expression.split(' OR ').some((all) => all.split(' AND ').every((one) => allowed.includes(one.trim())));
}

if (import.meta.main) {
  const crates = allCrates();
  const wrong = crates.flatMap(({ name, version, license, source }) => [
    ...(source === registry ? [] : [`${name} ${version}: want it from crates.io, got ${source}`]),
    ...(isAllowed(license) ? [] : [`${name} ${version}: licence ${license} is not allowed`]),
  ]);
  for (const words of wrong) console.error(`error: ${words}`);
  console.error(`${crates.length} crates, ${linkedCrates().length} of them in the addon`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
}
