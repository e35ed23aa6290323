/** Writes dist/: one file a program and a worker thread, what they read beside them, and esbuild's metafile. */
import { build, type BuildOptions } from 'esbuild';
import { copyFileSync, mkdirSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

/** A worker has an entry of its own: a bundle started as its own worker would run the whole program again. */
const entryPoints = {
  holdfast: 'cli/main.ts',
  operator: 'operator/main.ts',
  signer: 'signer/main.ts',
  'frost-worker': 'signer/scheme/frost-worker.ts',
  hsm: 'hsm/main.ts',
  'make-token': 'hsm/make-token.ts',
  'token-worker': 'hsm/token-worker.ts',
  'database-worker': 'signer/state/database-worker.ts',
};

const options = {
  absWorkingDir: root,
  entryPoints,
  outdir: dist,
  bundle: true,
  write: false,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  // Some packages are CommonJS and call require for Node's own modules.
  banner: { js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);" },
  alias: { '@grpc/proto-loader': './proto/no-proto-loader.ts' },
  sourcemap: 'linked',
  sourcesContent: false,
  metafile: true,
  legalComments: 'inline',
  logLevel: 'warning',
} satisfies BuildOptions;

const started = new Date();
const { outputFiles, metafile } = await build(options).catch(() => {
  // esbuild has written what is wrong and where.
  process.exit(1);
});

/** Renamed into place: programs that start meanwhile see the old file or the new one. */
function place(name: string, write: (path: string) => void): void {
  const path = join(dist, name);
  write(`${path}.${process.pid}`);
  renameSync(`${path}.${process.pid}`, path);
}

mkdirSync(join(dist, 'crds'), { recursive: true });
for (const { path, contents } of outputFiles) place(basename(path), (target) => writeFileSync(target, contents));

const crds = readdirSync(join(root, 'crds')).filter((file) => file.endsWith('.yaml'));
for (const file of crds) place(join('crds', file), (target) => copyFileSync(join(root, 'crds', file), target));
for (const file of readdirSync(join(dist, 'crds'))) if (!crds.includes(file)) rmSync(join(dist, 'crds', file));

// tiny-secp256k1 reads it from beside the file that it is bundled into.
place('secp256k1.wasm', (target) => copyFileSync(join(root, 'node_modules/tiny-secp256k1/lib/secp256k1.wasm'), target));

// Last: it says that everything before it is complete. Its time is that of the sources it was made from.
place('meta.json', (target) => {
  writeFileSync(target, JSON.stringify(metafile));
  utimesSync(target, started, started);
});
