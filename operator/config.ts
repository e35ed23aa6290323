import { listenAddress } from '../common/listen-address.ts';
import type { Level } from '../common/log.ts';
import { programFlags } from '../common/program-flags.ts';

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

const names = ['identity', 'settings', 'namespace', 'lease', 'metrics-listen', 'log-level'];

/** Reads the operator's flags; throws a UserError with exit code 2 on anything that is not right. */
export function readConfig(args: readonly string[]): Config {
  const { matching, logLevel } = programFlags(args, names, usage);
  const config: Config = {
    identity: matching('identity', /./, 'a file'),
    settings: matching('settings', /./, 'a file'),
    namespace: matching('namespace', label, 'the name of a namespace'),
    lease: matching('lease', label, 'the name of a Lease'),
    metricsListen: matching('metrics-listen', /./, 'host:port', '127.0.0.1:9090'),
    logLevel: logLevel(),
  };
  listenAddress(config.metricsListen);
  return config;
}
