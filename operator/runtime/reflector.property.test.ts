import fc from 'fast-check';
import { expect, test } from 'vitest';
import { silentLog } from '../../common/log.ts';
import { manualClock } from '../../common/testing/manual-clock.ts';
import type { Change } from './object-cache.ts';
import { Reflector } from './reflector.ts';
import { ApiState } from './testing/api-state.ts';
import type { Stored } from './testing/api-state.ts';
import { believed, byName, play, script } from './testing/fault-script.ts';
import { memoryClient } from './testing/memory-client.ts';

const list = '/apis/example.dev/v1/namespaces/payments/things';

test('after any faults the cache is what the server has, and each change towards it was told', async () => {
  await fc.assert(
    fc.asyncProperty(script, async (steps) => {
      const api = new ApiState();
      const clock = manualClock();
      const changes: Change<Stored>[] = [];
      const reflector = new Reflector<Stored>({
        name: 'things',
        client: memoryClient(api, clock),
        path: list,
        clock,
        log: silentLog,
        onChange: (change) => {
          if (changes.push(change) % 3 === 0) throw new Error('a handler that fails now and then');
        },
      });
      const stop = new AbortController();
      const running = reflector.run(stop.signal);
      for (const step of steps) {
        play(api, list, step);
        await clock.pass(step.kind === 'wait' ? step.ms : 0);
      }
      api.faults.length = 0;
      // A silence is noticed after 150 s, a pause ends after 30.
      await clock.pass(400_000);
      const there = byName(api.stored(list).values());
      expect(byName(reflector.cache.list())).toEqual(there);
      expect(believed(changes)).toEqual(there);
      expect(reflector.isSynced).toBe(true);
      stop.abort();
      await running;
      expect(clock.pending()).toBe(0);
    }),
    { numRuns: 200 },
  );
});
