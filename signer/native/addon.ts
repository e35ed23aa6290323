// Bundles declare createRequire themselves.
import { createRequire as requireFrom } from 'node:module';
import { addonFile, addonPackage, addonSwitchedOff } from '../../common/addon-file.ts';
import { messageOf } from '../../common/errors.ts';
import { version } from '../../common/version.ts';
import type * as Exports from './index.d.ts';

export type Addon = typeof Exports;

/** The addon, or in one line why there is none. */
export type FoundAddon = { readonly addon: Addon } | { readonly addon: undefined; readonly why: string };

/** Loads the addon in `file`; refuses one that was built with another version, whose calls may mean something else. */
export function loadAddon(file: string | undefined = addonFile()): FoundAddon {
  const none = (why: string): FoundAddon => ({ addon: undefined, why });
  if (addonSwitchedOff()) return none('HOLDFAST_NATIVE=off');
  if (file === undefined) return none(`neither holdfast.node nor ${addonPackage} is installed`);
  try {
    const addon = requireFrom(import.meta.url)(file) as Addon;
    const built = addon.version();
    return built === version ? { addon } : none(`${file}: want version ${version}, got ${built}`);
  } catch (error) {
    return none(`${file}: ${messageOf(error).split('\n')[0]}`);
  }
}
