import { resolve } from 'node:path';
import process from 'node:process';
import { UserError } from '../common/errors.ts';
import { signerEnvironment } from '../common/signer-node-flags.ts';
import { signerCommand } from '../operator/fleet/signer-command.ts';
import { makeFolder } from '../operator/make-folder.ts';
import { exitCodes } from './exit-codes.ts';
import type { Session } from './session.ts';

export type SignerOptions = {
  readonly wallet: string;
  readonly holder: string;
  readonly data: string;
  readonly sealKeyFile?: string;
  readonly hsmSocket?: string;
  readonly operator: string;
  readonly accept: string;
  readonly role: Parameters<typeof signerEnvironment>[0];
  readonly signListen: string;
  readonly peerListen: string;
  readonly metricsListen: string;
  readonly logLevel: string;
};

/**
 * Becomes the signer's program: whoever ends this process, or waits for it, has the signer itself and no process
 * between. Its flags are judged there.
 */
export async function signer(session: Session, options: SignerOptions): Promise<never> {
  const { sealKeyFile, hsmSocket } = options;
  const seal = sealKeyFile ?? hsmSocket;
  if (seal === undefined)
    throw new UserError('--seal-key-file or --hsm-socket is missing', ['holdfast signer --help'], exitCodes.usage);
  const files = { data: resolve(options.data), seal: resolve(seal), accept: resolve(options.accept) };
  // What Node is told to let it read and write has to be there.
  await makeFolder(files.data);
  const flags = {
    '--wallet': options.wallet,
    '--holder': options.holder,
    '--data': files.data,
    [sealKeyFile === undefined ? '--hsm-socket' : '--seal-key-file']: files.seal,
    '--operator': options.operator,
    '--accept': files.accept,
    '--sign-listen': options.signListen,
    '--peer-listen': options.peerListen,
    '--metrics-listen': options.metricsListen,
    '--log-level': options.logLevel,
  };
  const [program = '', ...args] = signerCommand()(files);
  const { execve } = process;
  if (execve === undefined) throw new UserError('this system cannot run a signer in place of the command');
  return execve(program, [program, ...args, ...Object.entries(flags).flat()], {
    ...session.env,
    ...signerEnvironment(options.role),
  });
}
