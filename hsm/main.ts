import { systemClock } from '../common/clock.ts';
import { runService } from '../common/run-service.ts';
import { version } from '../common/version.ts';
import { readConfig } from './config.ts';
import { serveHsm } from './server.ts';
import { TokenThread } from './token-thread.ts';

await runService(readConfig, async (config, { log, die }) => {
  // Nobody else may open the socket, not even before its mode is set.
  process.umask(0o077);
  const { socket, deadlineMs, logLevel: _, ...token } = config;
  const thread = new TokenThread(token, deadlineMs, systemClock, die);
  const { wallet, holder } = config;
  // Whatever the token's state: callers are told of it, and it may mend.
  const server = await serveHsm({ socket, wallet, holder, token: thread, log });
  log.info('listening', { socket, version });
  return async () => {
    await server.close();
    // An exit waits for all threads, so for a token that holds up a call too; nothing here needs saving.
    if (thread.busy) process.kill(process.pid, 'SIGKILL');
  };
});
