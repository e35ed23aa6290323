import { parseArgs } from 'node:util';
import { quote } from '../common/bytes.ts';
import { messageOf, UserError } from '../common/errors.ts';
import { listenAddress } from '../common/listen-address.ts';
import { levels, type Level } from '../common/log.ts';

/** How the operator of a cluster is started. */
export type Config = {
  /** File of its Ed25519 key, PKCS#8 in PEM: signers are started for this one. */
  readonly identity: string;
  /** File that `readOperatorSettings` reads. */
  readonly settings: string;
  /** Its own namespace, and in it the Lease by which one of several leads. */
  readonly namespace: string;
  readonly lease: string;
  readonly metricsListen: string;
  readonly logLevel: Level;
};

export const usage = `usage: operator --identity FILE --settings FILE --namespace NAME --lease NAME
                [--metrics-listen HOST:PORT] [--log-level LEVEL]`;

const label = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

/** Reads the operator's flags; throws a UserError with exit code 2 on anything that is not right. */
export function readConfig(args: readonly string[]): Config {
  const values = parse(args);
  const matching = (name: string, form: RegExp, want: string, otherwise?: string): string => {
    const value = values[name] ?? otherwise;
    if (value === undefined) throw wrong(`--${name} is missing: want ${want}`);
    if (!form.test(value)) throw wrong(`--${name}: want ${want}, got ${quote(value)}`);
    return value;
  };
  const logLevel = levels.find((known) => known === (values['log-level'] ?? 'info'));
  if (logLevel === undefined) throw wrong(`--log-level: want one of ${levels.join(', ')}`);
  const config: Config = {
    identity: matching('identity', /./, 'a file'),
    settings: matching('settings', /./, 'a file'),
    namespace: matching('namespace', label, 'the name of a namespace'),
    lease: matching('lease', label, 'the name of a Lease'),
    metricsListen: matching('metrics-listen', /./, 'host:port', '127.0.0.1:9090'),
    logLevel,
  };
  listenAddress(config.metricsListen);
  return config;
}

function parse(args: readonly string[]): Readonly<Record<string, string | undefined>> {
  const names = ['identity', 'settings', 'namespace', 'lease', 'metrics-listen', 'log-level'];
  try {
    const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw wrong(messageOf(error));
  }
}

const wrong = (message: string): UserError => new UserError(message, [usage], 2);
