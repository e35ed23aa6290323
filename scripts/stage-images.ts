/**
 * Lays out dist/images/NAME for images/Dockerfile: the root folder of each image's own files, what they are made of and
 * under which licences, with times and modes that do not depend on when and where. Usage: node scripts/stage-images.ts [operator|signer|hsm ...], all when none is named.
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
import { billOfMaterials, bundledPackages, licenseFiles, nameOf } from './image-packages.ts';

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
/** Packages that are not in bundles, because they are not JavaScript alone, and what is needed of them. */
const addons: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
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

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(programs);
for (const name of names) {
  const files = programs[name];
  if (files === undefined) fail(`there is no image ${name}`, `one of ${Object.keys(programs).join(', ')}`);
  const folder = join(target, name);
  rmSync(folder, { recursive: true, force: true });
  for (const file of files) copy(join(root, 'dist', file), join(folder, 'app', file));
  const addon = addons[name] ?? {};
  for (const [from, needed] of Object.entries(addon))
    for (const file of needed) copy(join(root, from, file), join(folder, 'app', from, file));
  // Bundles are ES modules.
  writeFileSync(join(folder, 'app/package.json'), '{ "type": "module" }\n');
  copy(join(root, 'LICENSE'), join(folder, 'app/LICENSE'));
  copy(node, join(folder, 'usr/local/bin/node'));

  const packages = [...bundledPackages(files), ...Object.keys(addon)];
  for (const from of packages) {
    const texts = licenseFiles(from);
    if (texts.length === 0)
      fail(`${from} has no file with its licence`, `put its text into images/licenses/${nameOf(from)}/LICENSE`);
    for (const file of texts) copy(join(root, file), join(folder, 'app/licenses', nameOf(from), basename(file)));
  }
  copy(join(dirname(node), '../LICENSE'), join(folder, 'app/licenses/node/LICENSE'));
  writeFileSync(
    join(folder, 'app/sbom.cdx.json'),
    `${JSON.stringify(billOfMaterials(name, packages, node), null, 2)}\n`,
  );
  settle(folder);
}
