import { systemClock } from '../common/clock.ts';
import { keepOutOfCoreDumps } from '../common/core-dumps.ts';
import { messageOf, UserError } from '../common/errors.ts';
import { createLog } from '../common/log.ts';
import { version } from '../common/version.ts';
import { readConfig, type Config } from './config.ts';
import { serveHsm } from './server.ts';
import { TokenThread } from './token-thread.ts';

const toStderr = (line: string): void => void process.stderr.write(line);
let log = createLog(toStderr);

/** Ends the process with one line that says why: exit code 2 for wrong flags, else 1. */
function die(error: unknown): never {
  log.error(messageOf(error), error instanceof UserError ? { hints: error.hints } : {});
  process.exit(error instanceof UserError ? error.exitCode : 1);
}

async function run(config: Config): Promise<void> {
  // Nobody else may open the socket, not even before its mode is set.
  process.umask(0o077);
  if (!keepOutOfCoreDumps()) log.warn('core dumps of this process are not disabled: start it under ulimit -c 0');
  const { socket, deadlineMs, logLevel: _, ...token } = config;
  const thread = new TokenThread(token, deadlineMs, systemClock, die);
  const { wallet, holder } = config;
  // Whatever the token's state: callers are told of it, and it may mend.
  const server = await serveHsm({ socket, wallet, holder, token: thread, log });
  log.info('listening', { socket, version });
  const stop = async (signal: string): Promise<void> => {
    log.info('stopping', { signal });
    await server.close();
    // An exit waits for all threads, so for a token that holds up a call too; nothing here needs saving.
    if (thread.busy) process.kill(process.pid, 'SIGKILL');
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop(signal).catch(die));
}

process.on('uncaughtException', die);
process.on('unhandledRejection', die);
// Node's own answer to SIGUSR1 is a debugger that any local user could attach to.
process.on('SIGUSR1', () => {});
try {
  const config = readConfig(process.argv.slice(2));
  log = createLog(toStderr, config.logLevel, { wallet: config.wallet, holder: config.holder });
  await run(config);
} catch (error) {
  die(error);
}
