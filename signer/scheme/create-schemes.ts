import { Refused } from '../../common/errors.ts';
import { loadAddon } from '../native/addon.ts';
import { nativeSchemes } from './native-scheme.ts';
import type { Schemes } from './scheme.ts';
import { workerSchemes } from './worker-engine.ts';

/** By the addon where it loads, else in JavaScript: `onWhy` hears why. `onFailure` is {@link workerSchemes}'s. */
export function createSchemes(
  onFailure: (error: Error) => void,
  onWhy: (why: string) => void,
  found = loadAddon(),
): Schemes {
  if (found.addon !== undefined) return nativeSchemes(found.addon);
  onWhy(found.why);
  return {
    ...workerSchemes(onFailure),
    ecdsa() {
      throw new Refused('Unsupported', `ECDSA needs the native addon: ${found.why}`);
    },
  };
}
