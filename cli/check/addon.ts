import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { addonFile, addonPackage, addonSwitchedOff } from '../../common/addon-file.ts';
import { messageOf } from '../../common/errors.ts';
import { version } from '../../common/version.ts';
import { oneLine } from '../one-line.ts';

/** The signer's native addon, as a signer started from here would find it; `broken` where one is there that it cannot use. */
export type AddonState =
  | { readonly loaded: true; readonly version: string; readonly ecdsa: boolean }
  | { readonly loaded: false; readonly reason: string; readonly broken: boolean };

const run = promisify(execFile);
const loadMs = 10_000;

/** Prints what the addon in the file of its argument is: a stranger's library may end the process that loads it. */
const program = `
  const addon = require(process.argv[1]);
  console.log(JSON.stringify({ version: addon.version(), exports: Object.keys(addon) }));`;

/** Loads the addon in `file` in a process of its own. */
export async function findAddon(file: string | undefined = addonFile()): Promise<AddonState> {
  if (addonSwitchedOff()) return { loaded: false, reason: 'HOLDFAST_NATIVE=off', broken: false };
  if (file === undefined)
    return { loaded: false, reason: `neither holdfast.node nor ${addonPackage} is installed`, broken: false };
  const broken = (reason: string): AddonState => ({ loaded: false, reason: `${file}: ${reason}`, broken: true });
  try {
    const { stdout } = await run(process.execPath, ['-e', program, file], { timeout: loadMs });
    const said = JSON.parse(stdout) as { readonly version: string; readonly exports: readonly string[] };
    if (said.version !== version) return broken(`want version ${version}, got ${oneLine(said.version)}`);
    return { loaded: true, version, ecdsa: said.exports.includes('dklsOpen') };
  } catch (error) {
    return broken(whyNot(error));
  }
}

/** The line of the child's words that names the error. */
function whyNot(error: unknown): string {
  const { stderr = '', signal } = error as { readonly stderr?: string; readonly signal?: string | null };
  const line = stderr.split('\n').find((text) => /^\w*Error: /.test(text));
  if (line !== undefined) return oneLine(line);
  return signal ? `ends a process that loads it (${signal})` : messageOf(error);
}
