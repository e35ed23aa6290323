import { listenAddress } from '../common/listen-address.ts';
import type { Level } from '../common/log.ts';
import { programFlags, type ProgramFlags } from '../common/program-flags.ts';

/** What keeps the key of its seal: a file, or the PKCS#11 sidecar behind a socket. */
export type SealConfig =
  | { readonly kind: 'KeyFile'; readonly file: string }
  | { readonly kind: 'Pkcs11'; readonly socket: string };

/** How one signer process is started. */
export type Config = {
  /** namespace/name. */
  readonly wallet: string;
  readonly holder: string;
  /** The folder of its state. */
  readonly data: string;
  readonly seal: SealConfig;
  /** Fingerprint of the operator, the only one that may provision. */
  readonly operator: string;
  /** The file with the one genesis that this signer's owner accepts; it may be written later. Absent: the operator is trusted once. */
  readonly accept?: string;
  readonly signListen: string;
  readonly peerListen: string;
  readonly metricsListen: string;
  readonly logLevel: Level;
};

export const usage = `usage: signer --wallet NAMESPACE/NAME --holder NAME --data DIR --operator sha256:HEX
              --seal-key-file FILE | --hsm-socket FILE
              [--accept FILE] [--sign-listen HOST:PORT] [--peer-listen HOST:PORT] [--metrics-listen HOST:PORT]
              [--log-level LEVEL]`;

const names = [
  'wallet',
  'holder',
  'data',
  'seal-key-file',
  'hsm-socket',
  'operator',
  'accept',
  'sign-listen',
  'peer-listen',
  'metrics-listen',
  'log-level',
];

/** Reads a signer's flags; throws a UserError with exit code 2 on anything that is not right. */
export function readConfig(args: readonly string[]): Config {
  const flags = programFlags(args, names, usage);
  const { values, matching } = flags;
  const label = '[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?';
  const config: Config = {
    wallet: matching('wallet', new RegExp(`^${label}/${label}$`), 'namespace/name'),
    holder: matching('holder', new RegExp(`^${label}$`), 'the name of a holder'),
    data: matching('data', /./, 'a folder'),
    seal: sealOf(flags),
    operator: matching('operator', /^sha256:[0-9a-f]{64}$/, "the operator's fingerprint, sha256: and 64 hex digits"),
    ...(values['accept'] !== undefined && { accept: matching('accept', /./, 'a file') }),
    signListen: values['sign-listen'] ?? '127.0.0.1:8443',
    peerListen: values['peer-listen'] ?? '127.0.0.1:7443',
    metricsListen: values['metrics-listen'] ?? '127.0.0.1:9090',
    logLevel: flags.logLevel(),
  };
  for (const listen of [config.signListen, config.peerListen, config.metricsListen]) listenAddress(listen);
  return config;
}

function sealOf({ values, matching, wrong }: ProgramFlags): SealConfig {
  const both = values['seal-key-file'] !== undefined && values['hsm-socket'] !== undefined;
  if (both) throw wrong('--seal-key-file and --hsm-socket: want one of the two');
  if (values['hsm-socket'] !== undefined)
    return { kind: 'Pkcs11', socket: matching('hsm-socket', /^\//, 'the absolute path of a socket') };
  return { kind: 'KeyFile', file: matching('seal-key-file', /./, 'a file, or --hsm-socket') };
}
