import { keepOutOfCoreDumps } from './core-dumps.ts';
import { messageOf, UserError } from './errors.ts';
import { isPortInUse, PORT_IN_USE_EXIT } from './listen-address.ts';
import { createLog, type Level, type Log } from './log.ts';

/** What any long-running process is told; one of a holder says for whom it runs with each entry of its log. */
type ServiceConfig = { readonly wallet?: string; readonly holder?: string; readonly logLevel: Level };

export type ServiceContext = {
  readonly log: Log;
  /** Ends the process with one line that says why. */
  readonly die: (error: unknown) => never;
};

/**
 * The process around a service that holds secrets: one JSON line an entry to stderr, out of core dumps, no debugger, and
 * an end with one line that says why. `run` starts it and resolves with what stops it, called on SIGTERM or SIGINT; the
 * exit code is 0 then. Otherwise it is 98 where a port is taken, a UserError's own (2 for wrong flags), else 1.
 */
export async function runService<Config extends ServiceConfig>(
  readConfig: (args: readonly string[]) => Config,
  run: (config: Config, context: ServiceContext) => Promise<() => Promise<void>>,
): Promise<void> {
  const toStderr = (line: string): void => void process.stderr.write(line);
  let log = createLog(toStderr);
  const die = (error: unknown): never => {
    log.error(messageOf(error), error instanceof UserError ? { hints: error.hints } : {});
    process.exit(isPortInUse(error) ? PORT_IN_USE_EXIT : error instanceof UserError ? error.exitCode : 1);
  };
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);
  // Node's own answer to SIGUSR1 is a debugger that any local user could attach to.
  process.on('SIGUSR1', () => {});
  try {
    const config = readConfig(process.argv.slice(2));
    log = createLog(toStderr, config.logLevel, { wallet: config.wallet, holder: config.holder });
    if (!keepOutOfCoreDumps()) log.warn('core dumps of this process are not disabled: start it under ulimit -c 0');
    const stop = await run(config, { log, die });
    const end = async (signal: string): Promise<void> => {
      log.info('stopping', { signal });
      await stop();
      process.exit(0);
    };
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void end(signal).catch(die));
  } catch (error) {
    die(error);
  }
}
