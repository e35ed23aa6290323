import { setTimeout as delay } from 'node:timers/promises';
import { UserError } from '../errors.ts';
import { levels } from '../log.ts';
import { runService } from '../run-service.ts';

/** A service that does what its one argument names, for tests of what is around it. */
await runService(
  ([does = '']) => {
    if (does === 'wrong flags') throw new UserError('--does: want something', ['say what'], 2);
    return { wallet: 'payments/treasury', holder: 'backup', logLevel: levels[1] ?? 'info', does };
  },
  async ({ does }, { log, die }) => {
    log.debug('below the level');
    switch (does) {
      case 'take a port':
        throw new Error('listen EADDRINUSE: address already in use 127.0.0.1:1');
      case 'throw later':
        setTimeout(() => {
          throw new Error('thrown later');
        }, 1);
        break;
      case 'reject later':
        void delay(1).then(() => Promise.reject(new Error('rejected later')));
        break;
      case 'die':
        setTimeout(() => die(new Error('two\nlines')), 1);
        break;
    }
    const running = setInterval(() => {}, 1_000);
    setImmediate(() => log.info('ready'));
    return async () => {
      if (does === 'fail to stop') throw new Error('cannot stop');
      await delay(1);
      clearInterval(running);
      log.info('stopped');
    };
  },
);
