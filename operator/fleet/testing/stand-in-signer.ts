import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isPortInUse, listenAddress, PORT_IN_USE_EXIT } from '../../../common/listen-address.ts';
import { createLog } from '../../../common/log.ts';

/*
 * Takes a signer's flags and listens on its ports. `behaviour` in its state folder tells it what to do instead: `exit N`,
 * or `deaf` to SIGTERM. Its metrics port takes /crash, and /log/N to log N bytes. Notes each start in `starts`, and
 * anyone else at work in the same folder in `doubles`.
 */
const { values } = parseArgs({
  options: {
    wallet: { type: 'string' },
    holder: { type: 'string' },
    data: { type: 'string', default: '' },
    'seal-key-file': { type: 'string', default: '' },
    operator: { type: 'string' },
    'sign-listen': { type: 'string', default: '' },
    'peer-listen': { type: 'string', default: '' },
    'metrics-listen': { type: 'string', default: '' },
    'log-level': { type: 'string' },
  },
});
const log = createLog((line) => process.stderr.write(line));
const starts = join(values.data, 'starts');

function fail(error: unknown): never {
  log.error('cannot start', { error: String(error) });
  process.exit(isPortInUse(error) ? PORT_IN_USE_EXIT : 1);
}

for (const pid of existsSync(starts) ? readFileSync(starts, 'utf8').split('\n').filter(Boolean) : [])
  try {
    const alive = !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
    if (alive && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(values.data))
      appendFileSync(join(values.data, 'doubles'), `${pid} and ${process.pid}\n`);
  } catch {
    // It ended long ago.
  }
appendFileSync(starts, `${process.pid}\n`);

const behaviour = existsSync(join(values.data, 'behaviour'))
  ? readFileSync(join(values.data, 'behaviour'), 'utf8')
  : '';
const exit = /^exit (\d+)$/.exec(behaviour)?.[1];
if (exit !== undefined) {
  log.error('told to exit', { code: exit });
  process.exit(Number(exit));
}
process.on('SIGTERM', () => {
  if (behaviour !== 'deaf') process.exit(0);
});
readFileSync(values['seal-key-file']);

for (const port of ['sign-listen', 'peer-listen', 'metrics-listen'] as const)
  createServer((request, response) => {
    if (request.url === '/crash') {
      log.error('told to crash', { error: 'as it was asked' });
      process.exit(7);
    }
    const bytes = /^\/log\/(\d+)$/.exec(request.url ?? '')?.[1];
    if (bytes !== undefined) log.info('x'.repeat(Number(bytes)));
    const limits = readFileSync('/proc/self/limits', 'utf8');
    response.end(JSON.stringify({ argv: process.argv, env: process.env, limits }));
  })
    .on('error', fail)
    .listen(listenAddress(values[port]));
writeFileSync(join(values.data, 'sealed'), 'share');
