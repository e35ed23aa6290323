import { fileURLToPath } from 'node:url';
import { addonFile } from '../../common/addon-file.ts';
import { signerNodeFlags } from '../../common/signer-node-flags.ts';

/**
 * What a signer may touch on the disk; absolute paths. `seal` is the file of its key, or the socket of its sidecar;
 * `accept` where its owner puts the genesis.
 */
export type SignerFiles = { readonly data: string; readonly seal: string; readonly accept?: string };

/** The program of a signer: executable, its flags and script, all before the signer's own flags. */
export type SignerCommand = (files: SignerFiles) => readonly string[];

/**
 * How the signer beside this program is started: `signer/main.ts` from sources, `signer.js` beside a bundle. The
 * permission model is a belt: it holds neither SQLite nor the network.
 */
export function signerCommand(
  moduleUrl: string = import.meta.url,
  addon: string | false = addonFile() ?? false,
): SignerCommand {
  const source = moduleUrl.endsWith('.ts');
  const program = fileURLToPath(new URL(source ? '../../signer/main.ts' : './signer.js', moduleUrl));
  const code = fileURLToPath(new URL(source ? '../../' : './', moduleUrl));
  return ({ data, seal, accept }) => [
    process.execPath,
    ...signerNodeFlags,
    '--permission',
    '--allow-worker',
    // Native code could do what the permission model keeps from JavaScript: only where there is some to load.
    ...(addon === false ? [] : ['--allow-addons', '--disable-warning=PERM0001', `--allow-fs-read=${addon}`]),
    '--disable-warning=PERM0006',
    ...[code, data, seal, ...(accept === undefined ? [] : [accept])].map((path) => `--allow-fs-read=${path}`),
    // Where a process keeps its memory out of core dumps.
    ...[data, '/proc/self/coredump_filter'].map((path) => `--allow-fs-write=${path}`),
    program,
  ];
}
