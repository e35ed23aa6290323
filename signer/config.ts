import { parseArgs } from 'node:util';
import { quote } from '../common/bytes.ts';
import { messageOf, UserError } from '../common/errors.ts';
import { listenAddress } from '../common/listen-address.ts';
import { levels, type Level } from '../common/log.ts';

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
  readonly signListen: string;
  readonly peerListen: string;
  readonly metricsListen: string;
  readonly logLevel: Level;
};

export const usage = `usage: signer --wallet NAMESPACE/NAME --holder NAME --data DIR --operator sha256:HEX
              --seal-key-file FILE | --hsm-socket FILE
              [--sign-listen HOST:PORT] [--peer-listen HOST:PORT] [--metrics-listen HOST:PORT] [--log-level LEVEL]`;

/** Reads a signer's flags; throws a UserError with exit code 2 on anything that is not right. */
export function readConfig(args: readonly string[]): Config {
  const values = parse(args);
  const label = '[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?';
  const config: Config = {
    wallet: matching(values, 'wallet', new RegExp(`^${label}/${label}$`), 'namespace/name'),
    holder: matching(values, 'holder', new RegExp(`^${label}$`), 'the name of a holder'),
    data: matching(values, 'data', /./, 'a folder'),
    seal: sealOf(values),
    operator: matching(
      values,
      'operator',
      /^sha256:[0-9a-f]{64}$/,
      "the operator's fingerprint, sha256: and 64 hex digits",
    ),
    signListen: values['sign-listen'] ?? '127.0.0.1:8443',
    peerListen: values['peer-listen'] ?? '127.0.0.1:7443',
    metricsListen: values['metrics-listen'] ?? '127.0.0.1:9090',
    logLevel: levelOf(values['log-level'] ?? 'info'),
  };
  for (const listen of [config.signListen, config.peerListen, config.metricsListen]) listenAddress(listen);
  return config;
}

function parse(args: readonly string[]): Readonly<Record<string, string | undefined>> {
  const names = [
    'wallet',
    'holder',
    'data',
    'seal-key-file',
    'hsm-socket',
    'operator',
    'sign-listen',
    'peer-listen',
    'metrics-listen',
    'log-level',
  ];
  try {
    const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw wrong(messageOf(error));
  }
}

function matching(
  values: Readonly<Record<string, string | undefined>>,
  name: string,
  form: RegExp,
  want: string,
): string {
  const value = values[name];
  if (value === undefined) throw wrong(`--${name} is missing: want ${want}`);
  if (!form.test(value)) throw wrong(`--${name}: want ${want}, got ${quote(value)}`);
  return value;
}

function sealOf(values: Readonly<Record<string, string | undefined>>): SealConfig {
  const both = values['seal-key-file'] !== undefined && values['hsm-socket'] !== undefined;
  if (both) throw wrong('--seal-key-file and --hsm-socket: want one of the two');
  if (values['hsm-socket'] !== undefined)
    return { kind: 'Pkcs11', socket: matching(values, 'hsm-socket', /^\//, 'the absolute path of a socket') };
  return { kind: 'KeyFile', file: matching(values, 'seal-key-file', /./, 'a file, or --hsm-socket') };
}

function levelOf(text: string): Level {
  const level = levels.find((known) => known === text);
  if (level === undefined) throw wrong(`--log-level: want one of ${levels.join(', ')}, got ${quote(text)}`);
  return level;
}

const wrong = (message: string): UserError => new UserError(message, [usage], 2);
