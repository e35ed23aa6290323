import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

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

/** What an image has besides Node, licences and what it is made of. */
const programs: Readonly<Record<(typeof images)[number], readonly string[]>> = {
  operator: ['crds/', 'operator.js', 'secp256k1.wasm'],
  signer: ['database-worker.js', 'frost-worker.js', 'secp256k1.wasm', 'signer.js'],
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

    const [platform, ...packages] = components;
    expect(platform).toMatchObject({ type: 'platform', name: 'node', licenses: [{ license: { id: 'MIT' } }] });
    const said = execFileSync(join(folder, node), ['--version'], { encoding: 'utf8' });
    expect(`v${platform?.version}\n`).toBe(said);

    expect(packages.map(({ name }) => name).toSorted()).toEqual(inside());
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
    for (const { name } of sbom().components) {
      const own = texts.filter((file) => file.startsWith(`${name}/`));
      expect(own, name).not.toEqual([]);
      for (const file of own)
        expect(readFileSync(join(folder, 'app/licenses', file), 'utf8')).toMatch(/copyright|public domain/i);
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
      expect(readFileSync(join(folder, file)).includes(root), file).toBe(false);
  });
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

it('another clone of the commit makes the same files, whoever makes them and where', { timeout: 300_000 }, () => {
  const clone = join(root, 'dist/another/clone');
  onTestFinished(() => rmSync(join(root, 'dist/another'), { recursive: true, force: true }));
  rmSync(clone, { recursive: true, force: true });
  mkdirSync(clone, { recursive: true });
  // With packages of its own, as npm ci gives them: links to the same files are as good and take no time.
  const script = `
    set -euo pipefail
    umask 077
    export TZ=Asia/Tokyo LC_ALL=C HOME=/
    git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t ${clone}
    cp -al node_modules ${clone}/
    cd ${clone}
    node_modules/.bin/node scripts/bundle.ts
    node_modules/.bin/node scripts/stage-images.ts`;
  execFileSync('bash', ['-c', script], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  const here = fingerprints(join(root, 'dist/images'));
  expect(here.length).toBeGreaterThan(50);
  expect(fingerprints(join(clone, 'dist/images'))).toEqual(here);
});
