/**
 * Lays out dist/images/NAME for images/Dockerfile: the root folder of each image's own files, what they are made of and
 * under which licences, with times and modes that do not depend on when and where.
 * Usage: node scripts/stage-images.ts [--without-addon] [operator|signer|hsm ...], all when none is named.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { version } from '../common/version.ts';
import { billOfMaterials } from './bill-of-materials.ts';
import { addonParts } from './image-crates.ts';
import { bundledPackages, nodePart, packagePart } from './image-packages.ts';

const root = join(import.meta.dirname, '..');
const target = join(root, 'dist/images');
/** The one that is locked, whichever runs this. */
const node = realpathSync(join(root, 'node_modules/.bin/node'));
/** Paths under dist/ that go to /app. */
const programs: Readonly<Record<string, readonly string[]>> = {
  operator: ['operator.js', 'secp256k1.wasm', 'crds'],
  signer: ['signer.js', 'secp256k1.wasm', 'frost-worker.js', 'database-worker.js'],
  hsm: ['hsm.js', 'token-worker.js', 'make-token.js'],
};
/** Beside its program, where common/addon-file.ts looks. */
const signerAddon = join(root, 'dist/holdfast.node');
/** Packages that are not in bundles, because they are not JavaScript alone, and what is needed of them. */
const addonPackages: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  hsm: { 'node_modules/pkcs11js': ['package.json', 'index.js', 'build/Release/pkcs11.node'] },
};

function fail(message: string, hint: string): never {
  console.error(`error: ${message}\nhint: ${hint}`);
  process.exit(1);
}

function copy(from: string, to: string): void {
  if (!existsSync(from)) fail(`${from} is not there`, 'npm run bundle makes the bundles of this version');
  if (statSync(from).isDirectory()) {
    for (const name of readdirSync(from)) copy(join(from, name), join(to, name));
    return;
  }
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}

/** Everything below, folders last. */
function settle(path: string): void {
  const folder = statSync(path).isDirectory();
  if (folder) for (const name of readdirSync(path)) settle(join(path, name));
  chmodSync(path, folder || path.endsWith('/bin/node') ? 0o755 : 0o644);
  utimesSync(path, 0, 0);
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { 'without-addon': { type: 'boolean', default: false } },
});
const names = positionals.length > 0 ? positionals : Object.keys(programs);
for (const name of names) {
  const files = programs[name];
  if (files === undefined) fail(`there is no image ${name}`, `one of ${Object.keys(programs).join(', ')}`);
  const folder = join(target, name);
  rmSync(folder, { recursive: true, force: true });
  const withAddon = name === 'signer' && !values['without-addon'];
  if (withAddon && !existsSync(signerAddon))
    fail(
      `${signerAddon} is not there, and without it a signer makes no ECDSA signatures`,
      'npm run bundle builds it where cargo 1.88 or later is; --without-addon lays out a signer without it',
    );
  for (const file of files) copy(join(root, 'dist', file), join(folder, 'app', file));
  const packages = addonPackages[name] ?? {};
  for (const [from, needed] of Object.entries(packages))
    for (const file of needed) copy(join(root, from, file), join(folder, 'app', from, file));
  if (withAddon) copy(signerAddon, join(folder, 'app', basename(signerAddon)));
  // Bundles are ES modules.
  writeFileSync(join(folder, 'app/package.json'), '{ "type": "module" }\n');
  copy(join(root, 'LICENSE'), join(folder, 'app/LICENSE'));
  copy(node, join(folder, 'usr/local/bin/node'));

  const parts = [
    nodePart(node),
    ...[...bundledPackages(files), ...Object.keys(packages)].map(packagePart),
    ...(withAddon ? addonParts(signerAddon) : []),
  ];
  for (const part of parts) {
    if (part.texts.length === 0)
      fail(`${part.component['bom-ref']} has no file with its licence`, `put its text into ${part.kept}/LICENSE`);
    for (const file of part.texts) copy(file, join(folder, 'app/licenses', part.folder, basename(file)));
  }
  const components = parts.map(({ component }) => component);
  writeFileSync(
    join(folder, 'app/sbom.cdx.json'),
    `${JSON.stringify(billOfMaterials(name, version, components), null, 2)}\n`,
  );
  settle(folder);
}
