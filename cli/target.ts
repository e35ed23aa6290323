import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { quote } from '../common/bytes.ts';
import { UserError } from '../common/errors.ts';
import { stateFolder } from '../operator/store/state-folder.ts';
import { exitCodes } from './exit-codes.ts';
import type { Session } from './session.ts';

/** A folder of manifests and where the operator keeps what it makes for it; both absolute. */
export type Target = { readonly folder: string; readonly state: string; readonly stateDir?: string };

export type TargetOptions = { readonly dir?: string };

/** The option that names the target. */
export const withTarget = (command: Command): Command =>
  command.option('--dir <folder>', 'target: a folder of manifests; HOLDFAST_DIR when absent');

/** The folder that `--dir` or HOLDFAST_DIR names; says which on stderr. Throws where neither does or there is none. */
export function targetOf(session: Session, options: TargetOptions): Target {
  const given = options.dir ?? session.env['HOLDFAST_DIR'] ?? '';
  if (given === '')
    throw new UserError(
      'no target: say which folder of manifests is meant',
      ['add --dir DIR, or set HOLDFAST_DIR', 'contexts of a kubeconfig come with the version for Kubernetes'],
      exitCodes.usage,
    );
  const folder = resolve(given);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new UserError(`target: want a folder of manifests, ${quote(given, 200)} is none`, [
      options.dir === undefined ? 'HOLDFAST_DIR names it' : 'the path is relative to the current folder',
    ]);
  session.note(`target: folder ${folder}`);
  const stateDir = session.env['HOLDFAST_STATE'] ?? '';
  return stateDir === ''
    ? { folder, state: stateFolder(folder) }
    : { folder, state: resolve(stateDir), stateDir: resolve(stateDir) };
}
