/**
 * Lays out dist/images/NAME for images/Dockerfile: the root folder of each image's own files, with times and modes that
 * do not depend on when and where. Usage: node scripts/stage-images.ts [operator|signer|hsm ...], all when none is named.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const target = join(root, 'dist/images');
/** Paths under dist/ that go to /app. */
const programs: Readonly<Record<string, readonly string[]>> = {
  operator: ['operator.js', 'secp256k1.wasm', 'crds'],
  signer: ['signer.js', 'secp256k1.wasm', 'frost-worker.js', 'database-worker.js'],
  hsm: ['hsm.js', 'token-worker.js', 'make-token.js'],
};
/** Files of packages that are not in bundles, because they are not JavaScript alone. */
const packages: Readonly<Record<string, readonly string[]>> = {
  hsm: ['package.json', 'LICENSE', 'index.js', 'build/Release/pkcs11.node'].map((file) => `pkcs11js/${file}`),
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
  for (const file of packages[name] ?? [])
    copy(join(root, 'node_modules', file), join(folder, 'app/node_modules', file));
  // Bundles are ES modules.
  writeFileSync(join(folder, 'app/package.json'), '{ "type": "module" }\n');
  copy(join(root, 'LICENSE'), join(folder, 'app/LICENSE'));
  copy(process.execPath, join(folder, 'usr/local/bin/node'));
  settle(folder);
}
