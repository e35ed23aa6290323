import { existsSync } from 'node:fs';
// Bundles declare createRequire themselves.
import { createRequire as requireFrom } from 'node:module';
import { fileURLToPath } from 'node:url';

/** Prebuilt for those who have no Rust (signer/native/README.md). */
export const addonPackage = `@holdfast/native-${process.platform}-${process.arch}-gnu`;

/**
 * Where the signer's addon is: `dist/holdfast.node` for a program that runs from sources, beside a bundle, else in the
 * package of this platform. Undefined where it is nowhere, and where {@link addonSwitchedOff}.
 */
export function addonFile(moduleUrl: string = import.meta.url): string | undefined {
  if (addonSwitchedOff()) return undefined;
  const source = moduleUrl.endsWith('.ts');
  const near = fileURLToPath(new URL(source ? '../dist/holdfast.node' : './holdfast.node', moduleUrl));
  if (existsSync(near)) return near;
  try {
    return requireFrom(moduleUrl).resolve(addonPackage);
  } catch {
    return undefined;
  }
}

/** HOLDFAST_NATIVE=off: whoever runs the program wants JavaScript only. */
// oxlint-disable-next-line no-process-env -- no flag: the operator's program and the signers that it starts must agree
export const addonSwitchedOff = (): boolean => process.env['HOLDFAST_NATIVE'] === 'off';
