import fc from 'fast-check';
import { expect, test } from 'vitest';
import { silentLog } from '../../common/log.ts';
import { KubeClient } from './kube-client.ts';
import type { Change } from './object-cache.ts';
import { Reflector } from './reflector.ts';
import { ApiServer } from './testing/api-server.ts';
import type { Stored } from './testing/api-state.ts';
import { believed, byName, play, script } from './testing/fault-script.ts';
import { hastyClock } from './testing/hasty-clock.ts';

const times = 1000;
let runs = 0;

test('over real connections too the cache ends as what the server has', async () => {
  const server = await new ApiServer().start();
  await fc.assert(
    fc.asyncProperty(script, async (steps) => {
      const list = `/apis/example.dev/v1/namespaces/run-${++runs}/things`;
      const clock = hastyClock(times);
      const client = new KubeClient({ credentials: server.credentials, clock, userAgent: 'test' });
      const changes: Change<Stored>[] = [];
      const reflector = new Reflector<Stored>({
        name: 'things',
        client,
        path: list,
        clock,
        log: silentLog,
        onChange: (change) => changes.push(change),
      });
      const stop = new AbortController();
      const running = reflector.run(stop.signal);
      for (const step of steps) {
        play(server, list, step);
        const ms = step.kind === 'wait' ? step.ms / times : 0;
        await new Promise((resolve) => setTimeout(resolve, ms));
      }
      server.faults.length = 0;
      await expect
        .poll(() => byName(reflector.cache.list()), { interval: 5, timeout: 60_000 })
        .toEqual(byName(server.stored(list).values()));
      expect(believed(changes)).toEqual(byName(server.stored(list).values()));
      stop.abort();
      await running;
      client.close();
    }),
    { numRuns: 20, endOnFailure: true },
  );
  await server.close();
});
