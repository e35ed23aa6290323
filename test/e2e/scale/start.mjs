/* Starts one of the bundles beside this file, unpacked to where it finds what an operator's image has beside its own. */
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const { HOLDFAST_PROGRAM: name } = process.env;
const work = '/work';
for (const file of ['crds', 'secp256k1.wasm', 'package.json'])
  if (!existsSync(`${work}/${file}`)) symlinkSync(`/app/${file}`, `${work}/${file}`);
writeFileSync(`${work}/${name}.js`, gunzipSync(readFileSync(new URL(`${name}.js.gz`, import.meta.url))));
await import(`${work}/${name}.js`);
