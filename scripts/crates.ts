/**
 * What the signer's addon is made of. As a program it checks where all crates are from and under which licences they are:
 * node scripts/crates.ts --check
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const registry = 'registry+https://github.com/rust-lang/crates.io-index';
/** None of them asks more of whoever hands the addon on than to hand on its text. */
const allowed = ['Apache-2.0', 'MIT', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'Zlib', 'Unicode-3.0', 'Unlicense'];

export type Crate = {
  readonly name: string;
  readonly version: string;
  /** SPDX. */
  readonly license: string;
  /** Of its archive, as Cargo.lock has it; hex. */
  readonly sha256: string;
  readonly folder: string;
};

type Metadata = {
  readonly packages: readonly {
    readonly id: string;
    readonly name: string;
    readonly version: string;
    readonly license: string | null;
    readonly source: string | null;
    readonly manifest_path: string;
    readonly targets: readonly { readonly kind: readonly string[] }[];
  }[];
  readonly resolve: {
    readonly root: string;
    readonly nodes: readonly {
      readonly id: string;
      readonly deps: readonly {
        readonly pkg: string;
        readonly dep_kinds: readonly { readonly kind: string | null }[];
      }[];
    }[];
  };
};

function metadata(): Metadata {
  const machine = { x64: 'x86_64', arm64: 'aarch64' }[process.arch as string] ?? process.arch;
  const flags = ['--locked', '--format-version=1', `--filter-platform=${machine}-unknown-linux-gnu`];
  const json = execFileSync('cargo', ['metadata', ...flags, '--manifest-path=signer/native/Cargo.toml'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(json) as Metadata;
}

/** The crates whose code is in the addon: not those that only built it or test it. */
export function linkedCrates(): readonly Crate[] {
  const { packages, resolve } = metadata();
  const byId = new Map(packages.map((each) => [each.id, each]));
  const nodes = new Map(resolve.nodes.map((each) => [each.id, each]));
  const linked = new Set<string>();
  const walk = (id: string): void => {
    if (linked.has(id) || byId.get(id)?.targets.some(({ kind }) => kind.includes('proc-macro')) !== false) return;
    linked.add(id);
    for (const { pkg, dep_kinds } of nodes.get(id)?.deps ?? [])
      if (dep_kinds.some(({ kind }) => kind === null)) walk(pkg);
  };
  walk(resolve.root);
  linked.delete(resolve.root);
  const checksums = lockedChecksums();
  return packages
    .filter(({ id }) => linked.has(id))
    .map(({ name, version, license, manifest_path }) => ({
      name,
      version,
      license: spdx(license),
      sha256: checksums.get(`${name} ${version}`) ?? '',
      folder: dirname(manifest_path),
    }))
    .toSorted((a, b) => (`${a.name} ${a.version}` < `${b.name} ${b.version}` ? -1 : 1));
}

/** The files with a crate's licence. Where there is none it is under the Apache licence, whose text we have, or in images/licenses. */
export function crateLicenses({ name, license, folder }: Crate): readonly string[] {
  const textsIn = (path: string): string[] =>
    readdirSync(path)
      .filter((file) => /^((un)?licen[cs]e|copying|notice)/i.test(file))
      .toSorted()
      .map((file) => join(path, file));
  const own = textsIn(folder);
  if (own.length > 0) return own;
  return license.includes('Apache-2.0') ? [join(root, 'LICENSE')] : textsIn(join(root, 'images/licenses', name));
}

/** Older crates write `MIT/Apache-2.0`. */
const spdx = (license: string | null): string => license?.replaceAll('/', ' OR ') ?? '';

function lockedChecksums(): ReadonlyMap<string, string> {
  const lock = readFileSync(join(root, 'signer/native/Cargo.lock'), 'utf8');
  const entry = /^name = "(.*)"\nversion = "(.*)"\nsource = ".*"\nchecksum = "([0-9a-f]{64})"$/gm;
  return new Map([...lock.matchAll(entry)].map(([, name, version, sum]) => [`${name} ${version}`, sum ?? '']));
}

/** Whether an SPDX expression can be met with licences that are allowed. AND binds tighter than OR. */
export function isAllowed(expression: string): boolean {
  const inner = /\(([^()]*)\)/.exec(expression);
  if (inner !== null)
    return isAllowed(expression.replace(inner[0], isAllowed(inner[1] ?? '') ? 'Apache-2.0' : 'unmet'));
  return expression.split(' OR ').some((all) => all.split(' AND ').every((one) => allowed.includes(one.trim())));
}

if (import.meta.main) {
  const { packages, resolve } = metadata();
  const wrong = packages
    .filter(({ id }) => id !== resolve.root)
    .flatMap(({ name, version, license, source }) => [
      ...(source === registry ? [] : [`${name} ${version}: want it from crates.io, got ${source}`]),
      ...(isAllowed(spdx(license)) ? [] : [`${name} ${version}: licence ${license} is not allowed`]),
    ]);
  for (const words of wrong) console.error(`error: ${words}`);
  console.error(`${packages.length - 1} crates, ${linkedCrates().length} of them in the addon`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
}
