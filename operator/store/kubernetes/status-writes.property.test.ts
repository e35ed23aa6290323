import fc from 'fast-check';
import { expect, test } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { silentLog } from '../../../common/log.ts';
import { manualClock } from '../../../common/testing/manual-clock.ts';
import { keyOf, keyString, parseKeyString } from '../../api/resource.ts';
import type { Key } from '../../api/resource.ts';
import { startController } from '../../runtime/controller.ts';
import type { KubeRequest } from '../../runtime/kube-client.ts';
import { pathOf } from '../../runtime/kube-object.ts';
import { ApiState, watchFaults } from '../../runtime/testing/api-state.ts';
import type { RequestFault, WatchFault } from '../../runtime/testing/api-state.ts';
import { memoryClient } from '../../runtime/testing/memory-client.ts';
import { policy, wallet } from '../testing/drafts.ts';
import { openKubernetesStore } from './kubernetes-store.ts';
import { resourceType } from './resource-type.ts';
import { setStatus } from '../testing/set-status.ts';

/** What happens between looks of a controller that writes what it wants as the status of every object. */
type Step =
  | { readonly kind: 'want'; readonly generation: number }
  | { readonly kind: 'edit' | 'renew' | 'delete'; readonly name: string }
  | { readonly kind: 'overwrite'; readonly name: string; readonly generation: number }
  | { readonly kind: 'watch'; readonly fault: WatchFault }
  | { readonly kind: 'request'; readonly fault: RequestFault }
  | { readonly kind: 'compact' }
  | { readonly kind: 'wait'; readonly ms: number };

const names = ['a', 'b'];
const name = fc.constantFrom(...names);
const generation = fc.integer({ min: 1, max: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('want'), generation }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('edit', 'renew', 'delete'), name }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('overwrite'), name, generation }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('watch'), fault: fc.constantFrom(...watchFaults) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('request'),
      fault: fc.constantFrom<RequestFault[]>(
        { kind: 'reset' },
        { kind: 'cut off' },
        { kind: 'status', status: 409, reason: 'Conflict' },
        { kind: 'status', status: 429, reason: 'TooManyRequests', retryAfter: '7' },
        { kind: 'status', status: 500, reason: 'InternalError' },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('compact') }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('wait'), ms: fc.constantFrom(0, 150, 2_500, 40_000, 200_000) }),
  },
);

const born = { generation: 1, creationTimestamp: '2026-11-01T00:00:00Z' };
const meter = { started() {}, added() {}, began() {}, reconciled() {} };

test.each([['Wallet' as const], ['SigningPolicy' as const]])(
  'however late its copy of a %s is, the last status that a controller wants stays, and is written no more',
  async (kind) => {
    const draft = kind === 'Wallet' ? wallet() : policy();
    const pathTo = (of: string): string => pathOf(resourceType(kind), { namespace: 'payments', name: of });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30, size: 'max' }), async (steps) => {
        const api = new ApiState();
        const clock = manualClock(systemClock.now());
        const direct = memoryClient(api, clock);
        const statuses: KubeRequest[] = [];
        const stop = new AbortController();
        const create = (of: string): void => void api.put(pathTo(of), { ...draft, metadata: { ...born } });
        for (const each of names) create(each);
        const store = await openKubernetesStore({
          client: {
            watch: direct.watch,
            request: async (request) => {
              if (request.path.endsWith('/status')) statuses.push(request);
              return direct.request(request);
            },
          },
          namespaces: [],
          instance: 'operator-0',
          clock,
          log: silentLog,
          signal: stop.signal,
        });
        let wanted = 1;
        const controller = startController({
          name: 'test',
          workers: 2,
          clock,
          log: silentLog,
          meter,
          signal: stop.signal,
          reconcile: async (key) => {
            await setStatus(store, parseKeyString(key) as Key<typeof kind>, { observedGeneration: wanted });
            return undefined;
          },
        });
        const look = (): void => {
          for (const each of names) controller.add(keyString({ ...keyOf(draft), name: each }));
        };
        const following = (async () => {
          for await (const key of store.changes(stop.signal)) controller.add(keyString(key));
        })();

        for (const each of steps) {
          play(each);
          await clock.pass(each.kind === 'wait' ? each.ms : 0);
        }
        api.faults.length = 0;
        // A silence is noticed after 150 s; what failed is tried again within 30.
        await clock.pass(400_000);
        for (const [, { metadata, status }] of api.stored(pathOf(resourceType(kind), { namespace: 'payments' }))) {
          expect(status).toEqual({ observedGeneration: wanted });
          expect(metadata.finalizers).toEqual(kind === 'Wallet' ? ['holdfast.dev/operator'] : undefined);
        }
        const before = statuses.length;
        look();
        await clock.pass(1_000);
        expect(statuses).toHaveLength(before);
        for (const { body } of statuses) expect(body).toMatchObject({ metadata: { uid: expect.any(String) } });

        stop.abort();
        await following;
        await controller.stop();
        await store.close();

        function play(given: Step): void {
          switch (given.kind) {
            case 'want':
              wanted = given.generation;
              look();
              break;
            case 'edit': {
              const held = api.get(pathTo(given.name));
              const generation = (held?.metadata.generation ?? 0) + 1;
              if (held) api.put(pathTo(given.name), { ...held, metadata: { ...held.metadata, generation } });
              break;
            }
            case 'renew':
              api.remove(pathTo(given.name));
              create(given.name);
              break;
            case 'delete':
              api.remove(pathTo(given.name));
              break;
            case 'overwrite': {
              const held = api.get(pathTo(given.name));
              const status = { observedGeneration: given.generation };
              if (held) api.put(pathTo(given.name), { ...held, status });
              break;
            }
            case 'watch':
              api.disturb(given.fault);
              break;
            case 'request':
              api.faults.push(given.fault);
              break;
            case 'compact':
              api.compact();
              break;
            case 'wait':
              break;
          }
        }
      }),
      { numRuns: 60 },
    );
  },
);
