import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

/*
 * What images are made of: the files that scripts/stage-images.ts lays out, which is all that images/Dockerfile adds to the base.
 */

type Component = {
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly licenses: readonly [{ readonly expression?: string; readonly license?: { readonly id: string } }];
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
};

const root = join(import.meta.dirname, '../..');
const images = ['operator', 'signer', 'hsm'] as const;
const dockerfile = readFileSync(join(root, 'images/Dockerfile'), 'utf8');
const node = 'usr/local/bin/node';
// oxlint-disable-next-line no-process-env -- as cargo has it
const cargoHome = process.env['CARGO_HOME'] ?? join(homedir(), '.cargo');

const filesOf = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted();

/** Each file of images with its mode, its time and what is in it; of Node its size, as it is copied from one file. */
const fingerprints = (folder: string): readonly string[] =>
  filesOf(folder).map((file) => {
    const { mode, mtimeMs, size } = statSync(join(folder, file));
    const contents = file.endsWith(`/${node}`) ? size : hash('sha256', readFileSync(join(folder, file)));
    return `${file} ${(mode & 0o777).toString(8)} ${mtimeMs} ${contents}`;
  });

/** There may be two versions of a crate, and a package of its name. */
const licenseFolder = ({ name, version, purl }: Component): string =>
  purl.startsWith('pkg:cargo/') ? `crates/${name}@${version}` : name;

/** What an image has besides Node, licences and what it is made of. */
const programs: Readonly<Record<(typeof images)[number], readonly string[]>> = {
  operator: ['crds/', 'operator.js', 'secp256k1.wasm'],
  signer: ['database-worker.js', 'frost-worker.js', 'holdfast.node', 'secp256k1.wasm', 'signer.js'],
  hsm: ['hsm.js', 'make-token.js', 'node_modules/pkcs11js/', 'token-worker.js'],
};

describe.each(images)('the image %s', (image) => {
  const folder = join(root, 'dist/images', image);
  const sbom = () => JSON.parse(readFileSync(join(folder, 'app/sbom.cdx.json'), 'utf8')) as SBOM;
  type SBOM = {
    readonly metadata: { readonly component: { readonly name: string; readonly version: string } };
    readonly components: readonly Component[];
  };

  /** Packages that are inside, by what esbuild wrote above each file of theirs, and by folders of their own. */
  const inside = (): readonly string[] => {
    const found = new Set<string>();
    for (const file of filesOf(folder)) {
      const own = /^app\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];
      if (own !== undefined) found.add(own);
      else if (file.endsWith('.js'))
        for (const [, name = ''] of readFileSync(join(folder, file), 'utf8').matchAll(
          /^ *\/\/ (?:.*\/)?node_modules\/((?:@[^/\s]+\/)?[^/\s]+)\/\S+$/gm,
        ))
          found.add(name);
    }
    return [...found].toSorted();
  };

  it('lists Node and every package that is in it, with version and licence, and nothing else', () => {
    const { components, metadata } = sbom();
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly version: string };
    expect(metadata.component).toMatchObject({ name: `holdfast-${image}`, version });

    const [platform, ...others] = components;
    expect(platform).toMatchObject({ type: 'platform', name: 'node', licenses: [{ license: { id: 'MIT' } }] });
    const said = execFileSync(join(folder, node), ['--version'], { encoding: 'utf8' });
    expect(`v${platform?.version}\n`).toBe(said);

    const packages = others.filter(({ purl }) => purl.startsWith('pkg:npm/'));
    expect(packages.map(({ name }) => name).toSorted()).toEqual(inside());
    if (image !== 'signer') expect(others).toEqual(packages);
    expect(packages.length).toBeGreaterThan(2);
    for (const { name, version: locked, purl, licenses, hashes } of packages) {
      const manifest = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')) as object;
      expect(manifest).toMatchObject({ name, version: locked, license: licenses[0].expression });
      expect(purl).toBe(`pkg:npm/${name.replace('@', '%40')}@${locked}`);
      expect(hashes?.[0]?.content).toMatch(/^[0-9a-f]{128}$/);
    }
  });

  it('has the licence of each of them', () => {
    const texts = filesOf(join(folder, 'app/licenses'));
    for (const component of sbom().components) {
      const own = texts.filter((file) => file.startsWith(`${licenseFolder(component)}/`));
      expect(own, component.name).not.toEqual([]);
      const words = own.map((file) => readFileSync(join(folder, 'app/licenses', file), 'utf8')).join('\n');
      expect(words, component.name).toMatch(/copyright|public domain/i);
    }
    expect(readFileSync(join(folder, 'app/LICENSE'), 'utf8')).toBe(readFileSync(join(root, 'LICENSE'), 'utf8'));
  });

  it('holds its program, its worker threads, Node and no more', () => {
    const others = ['LICENSE', 'licenses/', 'package.json', 'sbom.cdx.json'];
    const held = filesOf(folder).map((file) => /^app\/(?:node_modules\/)?[^/]+\//.exec(file)?.[0] ?? file);
    expect([...new Set(held)].toSorted()).toEqual(
      [...programs[image], ...others]
        .map((file) => `app/${file}`)
        .concat(node)
        .toSorted(),
    );
    expect(filesOf(folder).filter((file) => (statSync(join(folder, file)).mode & 0o111) !== 0)).toEqual([node]);
    const megabytes = filesOf(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0) / 1e6;
    const withoutNode = megabytes - statSync(join(folder, node)).size / 1e6;
    console.error(`${image}: ${megabytes.toFixed(1)} MB, ${withoutNode.toFixed(1)} of them besides Node`);
    expect(withoutNode).toBeLessThan(10);
  });

  it('names no folder of the machine that it was made on', () => {
    for (const file of filesOf(folder).filter((name) => name !== node))
      for (const place of [root, cargoHome]) expect(readFileSync(join(folder, file)).includes(place), file).toBe(false);
  });
});

describe("the signer's addon", () => {
  const addon = readFileSync(join(root, 'dist/images/signer/app/holdfast.node'), 'latin1');
  const { components } = JSON.parse(readFileSync(join(root, 'dist/images/signer/app/sbom.cdx.json'), 'utf8')) as {
    readonly components: readonly Component[];
  };
  const crates = components.filter(({ purl }) => purl.startsWith('pkg:cargo/'));
  const versions = crates.map(({ name, version }) => `${name}-${version}`);
  const sources = join(root, 'signer/native');

  it('is made of the crates that are listed, those that it names in messages of panics among them', () => {
    const named = [...addon.matchAll(/\/cargo\/([^/\s]+-\d+\.\d+\.\d[^/\s]*)\//g)].map(([, crate]) => crate);
    expect(named.length).toBeGreaterThan(20);
    expect(versions).toEqual(expect.arrayContaining([...new Set(named)]));
  });

  it('is made of what its manifest wants, and of nothing that only builds or tests it', () => {
    const manifest = readFileSync(join(sources, 'Cargo.toml'), 'utf8');
    const wanted = (section: string): readonly string[] =>
      [...(manifest.split(`\n[${section}]\n`)[1] ?? '').split('\n[')[0]!.matchAll(/^([\w-]+) =/gm)].map(
        ([, name = '']) => name,
      );
    const names = crates.map(({ name }) => name);
    const macros = ['napi-derive'];
    expect(wanted('dependencies').length).toBeGreaterThan(5);
    expect(names).toEqual(expect.arrayContaining(wanted('dependencies').filter((name) => !macros.includes(name))));
    // A macro's own dependencies, and those of a build script.
    for (const name of [...macros, ...wanted('build-dependencies'), 'syn', 'quote', 'serde_derive', 'version_check'])
      expect(names).not.toContain(name);
  });

  it('has each crate once, with the digest that Cargo.lock has, and a licence in terms of SPDX', () => {
    const lock = readFileSync(join(sources, 'Cargo.lock'), 'utf8');
    expect(new Set(versions).size).toBe(versions.length);
    for (const { name, version, purl, licenses, hashes } of crates) {
      expect(purl).toBe(`pkg:cargo/${name}@${version}`);
      expect(hashes?.[0]?.alg).toBe('SHA-256');
      expect(lock).toContain(
        `\nname = "${name}"\nversion = "${version}"\nsource = "registry+https://github.com/rust-lang/crates.io-index"\nchecksum = "${hashes?.[0]?.content}"\n`,
      );
      expect(licenses[0].expression, name).toMatch(/^[\w.-]+( (OR|AND|WITH) [\w.-]+)*$/);
    }
  });

  it('has the library of Rust, of the version that compiled it', () => {
    const [rust, ...more] = components.filter(({ purl }) => purl.startsWith('pkg:generic/rust@'));
    expect(more).toEqual([]);
    expect(addon).toContain(`rustc version ${rust?.version} `);
  });
});

it.each([
  ['signer', 'holdfast.node'],
  ['hsm', 'node_modules/pkcs11js/build/Release/pkcs11.node'],
])('the addon of %s needs no later glibc than the reference says', (image, file) => {
  const documented = /\bglibc (\d+\.\d+) or later/.exec(
    readFileSync(join(root, 'docs/reference/images.md'), 'utf8'),
  )?.[1];
  const addon = readFileSync(join(root, 'dist/images', image, 'app', file), 'latin1');
  // Versions of symbols, as they stand in .dynstr.
  const needed = [...addon.matchAll(/\0GLIBC_(\d+)\.(\d+)/g)].map(
    ([, major, minor]) => Number(major) * 1000 + Number(minor),
  );
  const [major, minor] = (documented ?? '').split('.').map(Number);
  expect(needed.length).toBeGreaterThan(0);
  expect(Math.max(...needed)).toBeLessThanOrEqual(major! * 1000 + minor!);
});

it('images have nothing but these files and the base: nothing is run or fetched while they are built', () => {
  const instructions = [...dockerfile.matchAll(/^([A-Z]+) (.*)$/gm)].map(([, word, rest = '']) => ({ word, rest }));
  expect(new Set(instructions.map(({ word }) => word))).toEqual(
    new Set(['ARG', 'FROM', 'USER', 'WORKDIR', 'ENV', 'COPY', 'ENTRYPOINT']),
  );
  expect(instructions.filter(({ word }) => word === 'COPY').map(({ rest }) => rest)).toEqual(
    images.map((image) => `${image}/ /`),
  );
  // In the JSON form, which wants no shell.
  for (const { rest } of instructions.filter(({ word }) => word === 'ENTRYPOINT')) expect(rest).toMatch(/^\["\//);
});

describe('another clone of the commit', () => {
  const another = join(root, 'dist/another');
  const clone = join(another, 'clone');
  const images = join(clone, 'dist/images');
  const signer = join(images, 'signer/app');
  // With packages and crates as npm ci and cargo fetch give them: links to the same files are as good and take no time.
  const there = (command: string): string =>
    execFileSync(
      'bash',
      [
        '-euo',
        'pipefail',
        '-c',
        `umask 077
        export RUSTUP_HOME="\${RUSTUP_HOME:-$HOME/.rustup}" CARGO_HOME=${another}/cargo TZ=Asia/Tokyo LC_ALL=C HOME=/
        cd ${clone}
        ${command}`,
      ],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    );

  beforeAll(() => {
    rmSync(clone, { recursive: true, force: true });
    mkdirSync(clone, { recursive: true });
    mkdirSync(join(another, 'cargo'), { recursive: true });
    const script = `
      git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents --preserve=timestamps -t ${clone}
      cp -al node_modules ${clone}/
      ln -sfn ${cargoHome}/* ${another}/cargo/`;
    execFileSync('bash', ['-euo', 'pipefail', '-c', script], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
    there('node_modules/.bin/node scripts/bundle.ts');
  }, 300_000);
  afterAll(() => rmSync(clone, { recursive: true, force: true }));

  it('lays out no signer without the addon, unless that is asked for', () => {
    const stage = 'node_modules/.bin/node scripts/stage-images.ts';
    expect(() => there(`${stage} signer`)).toThrow(
      /^error: \S+\/dist\/holdfast\.node is not there, .* no ECDSA .*\nhint: .*npm run bundle.*--without-addon/m,
    );
    there(`${stage} --without-addon signer`);
    expect(filesOf(signer)).not.toContain('holdfast.node');
    expect(filesOf(signer).filter((file) => file.startsWith('licenses/crates/'))).toEqual([]);
    expect(readFileSync(join(signer, 'sbom.cdx.json'), 'utf8')).not.toContain('pkg:cargo/');
  });

  it('makes the same files, whoever makes them and where', { timeout: 900_000 }, () => {
    // What cargo compiled there before stays, or each run would take the minutes of the first.
    const target = join(another, 'target');
    const inClone = join(clone, 'signer/native/target');
    if (existsSync(target)) renameSync(target, inClone);
    onTestFinished(() => {
      if (existsSync(inClone)) renameSync(inClone, target);
    });
    there('scripts/native.sh build && node_modules/.bin/node scripts/stage-images.ts');
    const here = fingerprints(join(root, 'dist/images'));
    expect(here.length).toBeGreaterThan(50);
    expect(fingerprints(images)).toEqual(here);
  });
});
