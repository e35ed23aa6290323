import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** SoftHSM's module on this machine, or what to install so that there is one. */
export type SoftHsm = { readonly module: string } | { readonly missing: string };

const modules = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib64/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
];
/** Where pkcs11js is built. From this file, or from dist/holdfast.js. */
export const pkcs11Binding = fileURLToPath(
  new URL(
    `${import.meta.url.endsWith('.ts') ? '../../' : '../'}node_modules/pkcs11js/build/Release/pkcs11.node`,
    import.meta.url,
  ),
);

export function findSoftHsm(exists: (file: string) => boolean = existsSync): SoftHsm {
  const module = modules.find(exists);
  if (module === undefined) return { missing: 'SoftHSM is not installed (sudo apt-get install softhsm2)' };
  if (!exists(pkcs11Binding))
    return { missing: 'pkcs11js is not built (sudo apt-get install g++ make python3; npm rebuild pkcs11js)' };
  return { module };
}
